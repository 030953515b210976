/* SPDX-License-Identifier: ISC */
/*
 * The rate limiter after its users were killed under its lock: at every instruction of a change, in the
 * repair of such a change, and at random among others.
 */
#include "shm/limiter.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "lib/child.h"
#include "lib/limits.h"
#include "shm/region.h"
#include "shm/robust.h"
#include "unit/tap.h"

/*
 * A take that is killed: clients 0 to known - 1 have windows that began at 10 * n with step_used(n)
 * lines.
 * `touched` is the client whose entry the take changes; `lost` one that it may push out.
 */
enum { STEP_ENTRIES = 4, STEP_MAX = 10, NOBODY = 1000 };
static const struct limiter_rule step_rule = {STEP_MAX, 1000};

static int64_t
step_used(uint32_t number)
{
	return STEP_ENTRIES + 1 - number;
}

struct scene {
	uint32_t known, touched, lost;
	int64_t now_ms;
	bool forgotten; /* the touched one's window */
};

static const struct scene scenes[] = {
	{4, 1, NOBODY, 40, false},   /* counts on */
	{4, 0, NOBODY, 1005, false}, /* begins a new window */
	{3, 3, NOBODY, 40, false},   /* takes a free entry */
	{4, 4, 0, 40, false},        /* takes the entry of the one that ends soonest */
	{4, 1, NOBODY, 40, true},    /* begins a new window, for the old one was forgotten */
};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

enum { STEPS_MAX = 1000000, LISTING_MS = 2000 };

struct killing {
	struct limiter *limiter;
	const struct scene *scene;
};

/* The limiter's robust_lock() is this one: in a traced child it stops under the lock. */
static bool stop_when_locked;
enum robust_lock __real_robust_lock(pthread_mutex_t *mutex);
enum robust_lock __wrap_robust_lock(pthread_mutex_t *mutex);

enum robust_lock
__wrap_robust_lock(pthread_mutex_t *mutex)
{
	enum robust_lock found = __real_robust_lock(mutex);
	if (stop_when_locked)
		raise(SIGSTOP);
	return found;
}

static void
take_one(void *arg)
{
	struct killing *killing = arg;
	stop_when_locked = true;
	take(killing->limiter, killing->scene->touched, &step_rule, killing->scene->now_ms, 1);
}

/* What a listing shows of the clients of a scene. */
struct listing {
	struct limiter_client clients[STEP_ENTRIES + 1]; /* by number; used == 0: not shown */
	uint64_t visits;
};

static void
note(void *context, const struct limiter_client *found)
{
	struct listing *listing = context;
	uint32_t number;
	memcpy(&number, found->address.bytes + 12, sizeof number);
	listing->visits++;
	CU_ASSERT_FATAL(number <= STEP_ENTRIES);
	CU_ASSERT_EQUAL(listing->clients[number].used, 0); /* nobody twice */
	listing->clients[number] = *found;
}

static struct listing
list(const struct limiter *limiter, int64_t now_ms)
{
	struct listing listing = {.visits = 0};
	limiter_list(limiter, STEP_ENTRIES, now_ms, note, &listing);
	return listing;
}

static struct limiter *
scene_map(const struct scene *scene)
{
	struct limiter *limiter = limiter_map(STEP_ENTRIES, &key);
	for (uint32_t n = 0; n < scene->known; n++)
		CU_ASSERT_EQUAL(take(limiter, n, &step_rule, 10 * n, step_used(n)), step_used(n));
	if (scene->forgotten) {
		struct listing listing = list(limiter, scene->now_ms);
		limiter_forget(limiter, STEP_ENTRIES, &listing.clients[scene->touched]);
	}
	return limiter;
}

/* Everybody else's window is as it was, and the table holds and gives up entries in its order. */
static void
scene_check(struct limiter *limiter, const struct scene *scene)
{
	uint32_t order[STEP_ENTRIES], count = 0;
	for (uint32_t n = 0; n < scene->known; n++) {
		if (n == scene->touched || n == scene->lost)
			continue;
		CU_ASSERT_EQUAL(
			take(limiter, n, &step_rule, scene->now_ms, 100), STEP_MAX - step_used(n));
		order[count++] = n;
	}
	int64_t used = scene->touched < scene->known ? step_used(scene->touched) : 0;
	int64_t left = take(limiter, scene->touched, &step_rule, scene->now_ms, 100);
	bool began = left >= STEP_MAX - 1; /* dropped, or it was new: it ends last now */
	CU_ASSERT(began ||
		  (!scene->forgotten && (left == STEP_MAX - used || left == STEP_MAX - used - 1)));
	uint32_t at = count++;
	for (; !began && at > 0 && order[at - 1] > scene->touched; at--)
		order[at] = order[at - 1];
	order[at] = scene->touched;
	CU_ASSERT_EQUAL_FATAL(count, STEP_ENTRIES);
	CU_ASSERT_EQUAL(limiter_stats(limiter).entries, STEP_ENTRIES);
	uint64_t evictions = limiter_stats(limiter).evictions;
	for (uint32_t i = 0; i < STEP_ENTRIES; i++) {
		CU_ASSERT_EQUAL(take(limiter, 100 + i, &step_rule, scene->now_ms, 1), 1);
		for (uint32_t k = i + 1; k < STEP_ENTRIES; k++)
			CU_ASSERT_EQUAL(take(limiter, order[k], &step_rule, scene->now_ms, 1), 0);
	}
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, evictions + STEP_ENTRIES);
}

/* Kills one take after so many instructions, with `again` > 0 the next one too.  How many there were. */
static long
kill_takes(const struct scene *scene, long steps, long again, uint64_t *repaired)
{
	struct killing killing = {scene_map(scene), scene};
	long ran = child_killed_after(take_one, &killing, steps);
	if (again > 0)
		child_killed_after(take_one, &killing, again);
	/* The killed take may be whole, and then the second one counts as well. */
	if (again == 0)
		scene_check(killing.limiter, scene);
	for (uint32_t n = 0; again > 0 && n < scene->known; n++) {
		if (n != scene->touched && n != scene->lost)
			CU_ASSERT_EQUAL(take(killing.limiter, n, &step_rule, scene->now_ms, 100),
				STEP_MAX - step_used(n));
	}
	*repaired += limiter_stats(killing.limiter).repairs;
	region_unmap(killing.limiter, limiter_size(STEP_ENTRIES));
	return ran;
}

/*
 * At every instruction where stepping is quick, else at as many as fit into the time: every tenth one
 * first, then those between.
 */
static void
killed_at_each_step(void)
{
	enum { STRIDE = 10, SCENE_MS = 300 };
	for (size_t i = 0; i < SCENES; i++) {
		uint64_t repaired = 0;
		long total = kill_takes(&scenes[i], STEPS_MAX, 0, &repaired), kills = 0;
		if (total < 0) {
			tap_skip("tracing is forbidden here");
			return;
		}
		CU_ASSERT_EQUAL(repaired, 0);
		int64_t deadline_ms = clock_mono_ms() + SCENE_MS;
		for (long first = 1; first <= STRIDE; first++) {
			for (long steps = first; steps < total; steps += STRIDE) {
				if (clock_mono_ms() >= deadline_ms)
					break;
				kill_takes(&scenes[i], steps, 0, &repaired);
				kills++;
			}
		}
		CU_ASSERT(repaired > 0);
		printf("# scene %zu: %ld instructions, %ld kills, %lu repairs\n", i, total, kills,
			(unsigned long)repaired);
	}
}

/* Whether the listing shows what is there: everybody else as he was, the touched one as before, after or not at all. */
static void
listing_check(const struct listing *listing, const struct scene *scene)
{
	for (uint32_t n = 0; n <= STEP_ENTRIES; n++) {
		const struct limiter_client *found = &listing->clients[n];
		int64_t used = n < scene->known ? step_used(n) : 0;
		if (n != scene->touched && n != scene->lost) {
			CU_ASSERT_EQUAL(found->used, used);
			continue;
		}
		CU_ASSERT(found->used == 0 || found->used == used || found->used == 1 ||
			  (found->used == used + 1 && n == scene->touched));
	}
}

/* Kills one take, and lists what it left before anybody has locked it, and then after.  How many instructions there
 * were; counts listings that had to leave somebody out. */
static long
kill_and_list(const struct scene *scene, long steps, unsigned *torn)
{
	struct killing killing = {scene_map(scene), scene};
	long ran = child_killed_after(take_one, &killing, steps);
	int64_t begin_ms = clock_mono_ms();
	struct listing listing = list(killing.limiter, scene->now_ms);
	CU_ASSERT(clock_mono_ms() - begin_ms < LISTING_MS);
	listing_check(&listing, scene);
	CU_ASSERT(listing.visits + 1 >= scene->known - scene->forgotten);
	*torn += listing.visits + scene->forgotten < scene->known;
	/* Somebody else comes, and whatever was inherited is repaired. */
	take(killing.limiter, scene->known - 1, &step_rule, scene->now_ms, 1);
	listing = list(killing.limiter, scene->now_ms);
	uint64_t hidden = listing.clients[scene->touched].used == 0 && scene->forgotten;
	CU_ASSERT(listing.visits + hidden >= limiter_stats(killing.limiter).entries);
	region_unmap(killing.limiter, limiter_size(STEP_ENTRIES));
	return ran;
}

static void
listed_after_death(void)
{
	enum { SCENE_MS = 250, KILLS_MAX = 100 };
	uint64_t random = 1;
	unsigned all_torn = 0;
	for (size_t i = 0; i < SCENES; i++) {
		unsigned torn = 0, kills = 0;
		long total = kill_and_list(&scenes[i], STEPS_MAX, &torn);
		if (total < 0) {
			tap_skip("tracing is forbidden here");
			return;
		}
		CU_ASSERT_EQUAL(torn, 0);
		int64_t deadline_ms = clock_mono_ms() + SCENE_MS;
		for (; kills < KILLS_MAX && (clock_mono_ms() < deadline_ms || all_torn + torn == 0);
			kills++) {
			random = random * UINT64_C(6364136223846793005) + 1;
			kill_and_list(&scenes[i], 1 + (long)(random >> 33) % total, &torn);
		}
		printf("# scene %zu: %u kills, %u listings left one out\n", i, kills, torn);
		all_torn += torn;
	}
	CU_ASSERT(all_torn > 0);
}

/* Looking and forgetting are no business of the lock's. */
static void
held_up(void)
{
	struct killing killing = {scene_map(&scenes[0]), &scenes[0]};
	int status;
	pid_t pid = child_start(take_one, &killing);
	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, WUNTRACED), pid);
	CU_ASSERT_FATAL(WIFSTOPPED(status));
	struct listing listing = list(killing.limiter, 40);
	CU_ASSERT_EQUAL(listing.visits, STEP_ENTRIES);
	for (uint32_t n = 0; n < STEP_ENTRIES; n++) {
		CU_ASSERT_EQUAL(listing.clients[n].used, step_used(n));
		limiter_forget(killing.limiter, STEP_ENTRIES, &listing.clients[n]);
	}
	CU_ASSERT_EQUAL(list(killing.limiter, 40).visits, 0);
	kill(pid, SIGCONT);
	CU_ASSERT(child_succeeded(pid));
	listing = list(killing.limiter, 40);
	CU_ASSERT_EQUAL(listing.visits, 1);
	CU_ASSERT_EQUAL(listing.clients[killing.scene->touched].used, 1);
	region_unmap(killing.limiter, limiter_size(STEP_ENTRIES));
}

static void
killed_in_repair(void)
{
	uint64_t repaired = 0, random = 1;
	for (int i = 0; i < 24; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		long steps = 30 + (long)(random >> 33) % 100,
		     again = 30 + (long)(random >> 48) % 500;
		if (kill_takes(&scenes[i % SCENES], steps, again, &repaired) < 0) {
			tap_skip("tracing is forbidden here");
			return;
		}
	}
	CU_ASSERT(repaired > 0);
}

enum { KILLERS = 3, DEATHS = 200, CROWD = 96, CROWDED = 64, REGULARS = 8 };
static const struct limiter_rule long_rule = {50000, 1000000}, short_rule = {10, 500};

struct war {
	struct limiter *crowded, *exact;
	_Atomic int64_t clock_ms, granted[REGULARS];
	_Atomic uint64_t done[KILLERS];
	uint32_t number; /* the next child's */
};

static void
fight(void *arg)
{
	struct war *war = arg;
	uint32_t self = war->number;
	for (uint32_t n = (uint32_t)getpid();; n = n * 1664525 + 1013904223) {
		int64_t now_ms = atomic_fetch_add(&war->clock_ms, 1);
		take(war->crowded, (n >> 8) % CROWD, &short_rule, now_ms, 1 + (n >> 20) % 3);
		uint32_t regular = (n >> 8) % REGULARS;
		atomic_fetch_add(
			&war->granted[regular], take(war->exact, regular, &long_rule, 0, 3));
		atomic_fetch_add(&war->done[self], 1);
	}
}

static bool
goes_on(struct war *war, uint32_t number)
{
	uint64_t before = atomic_load(&war->done[number]);
	int64_t deadline_ms = clock_mono_ms() + 10000;
	while (atomic_load(&war->done[number]) == before && clock_mono_ms() < deadline_ms)
		usleep(50);
	return atomic_load(&war->done[number]) != before;
}

static uint64_t
repairs(const struct war *war)
{
	return limiter_stats(war->crowded).repairs + limiter_stats(war->exact).repairs;
}

static void
war_check(struct war *war)
{
	struct limiter_stats stats = limiter_stats(war->exact);
	CU_ASSERT(stats.entries <= REGULARS && stats.evictions == 0);
	int64_t granted = 0;
	for (int i = 0; i < REGULARS; i++)
		granted += war->granted[i];
	CU_ASSERT(granted <= long_rule.max * (int64_t)(REGULARS + stats.repairs));
	CU_ASSERT(repairs(war) > 0);
	printf("# %lu repairs\n", (unsigned long)repairs(war));

	/* All have ended: as many new ones fit, and each one more pushes one out. */
	int64_t later_ms = atomic_load(&war->clock_ms) + short_rule.window_ms;
	uint64_t evictions = limiter_stats(war->crowded).evictions;
	for (uint32_t n = 0; n < 2 * CROWDED; n++) {
		CU_ASSERT_EQUAL(take(war->crowded, 1000 + n, &short_rule, later_ms, 20), 10);
		CU_ASSERT_EQUAL(take(war->crowded, 1000 + n, &short_rule, later_ms, 20), 0);
	}
	CU_ASSERT_EQUAL(limiter_stats(war->crowded).entries, CROWDED);
	CU_ASSERT_EQUAL(limiter_stats(war->crowded).evictions, evictions + CROWDED);
}

static void
killed_at_random(void)
{
	struct war *war = region_map(sizeof *war);
	CU_ASSERT_PTR_NOT_NULL_FATAL(war);
	war->crowded = limiter_map(CROWDED, &key);
	war->exact = limiter_map(REGULARS, &key);
	pid_t pids[KILLERS];
	for (uint32_t i = 0; i < KILLERS; i++) {
		war->number = i;
		pids[i] = child_start(fight, war);
		CU_ASSERT(goes_on(war, i));
	}
	/* The scheduler has its say in how many of them die under the lock: at least one has to. */
	for (uint32_t death = 0; death < DEATHS || (repairs(war) == 0 && death < 20 * DEATHS);
		death++) {
		war->number = death % KILLERS;
		child_kill(pids[war->number]);
		CU_ASSERT_FATAL(goes_on(war, (death + 1) % KILLERS));
		pids[war->number] = child_start(fight, war);
		CU_ASSERT_FATAL(goes_on(war, war->number));
	}
	for (int i = 0; i < KILLERS; i++)
		child_kill(pids[i]);
	war_check(war);
	region_unmap(war->crowded, limiter_size(CROWDED));
	region_unmap(war->exact, limiter_size(REGULARS));
	region_unmap(war, sizeof *war);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"killed at any instruction: one entry at most starts anew", killed_at_each_step},
		{"one that stands still under the lock hides nobody", held_up},
		{"after a death the others are listed, and soon", listed_after_death},
		{"killed while it repairs: the next one repairs", killed_in_repair},
		{"killed 200 times at random: the others go on", killed_at_random},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("limiter_death", cases);
}
