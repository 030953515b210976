/* SPDX-License-Identifier: ISC */
/* The rate limiter: exact among threads of many processes, bounded, fair when it is full. */
#include "shm/limiter.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "lib/child.h"
#include "lib/limits.h"
#include "shm/region.h"
#include "unit/tap.h"

static void
windows(void)
{
	static const struct limiter_rule rule = {100, 60000}, nobody = {0, 60000};
	struct limiter *limiter = limiter_map(8, &key);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 1000, 70), 70);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 2000, 10), 10);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 60999, 70), 30);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 60999, 1), 0);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 61000, 1000), 100);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 61999, 1000), 90);
	CU_ASSERT_EQUAL(take(limiter, 3, &nobody, 61999, 1), 0);
	CU_ASSERT_EQUAL(take(limiter, 3, &rule, 61999, 0), 0);
	CU_ASSERT_EQUAL(limiter_stats(limiter).entries, 2);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 0);
	region_unmap(limiter, limiter_size(8));
}

/* A thread that read its clock long ago must not put a window out of the order. */
static void
late_thread(void)
{
	static const struct limiter_rule rule = {5, 1000};
	struct limiter *limiter = limiter_map(2, &key);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 500, 5), 5);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 100, 5), 5);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 1499, 5), 0);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 1500, 5), 5);
	region_unmap(limiter, limiter_size(2));
}

static void
sizes(void)
{
	static const struct limiter_rule rule = {5, 1000};
	static const uint32_t entries[] = {1, 3, 4095, 8191, 8193, 12289};
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		struct limiter *limiter = limiter_map(entries[i], &key);
		for (uint32_t n = 0; n < 3 * entries[i]; n++)
			CU_ASSERT_EQUAL(take(limiter, n, &rule, 0, 1), 1);
		CU_ASSERT_EQUAL(limiter_stats(limiter).entries, entries[i]);
		CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 2 * entries[i]);
		region_unmap(limiter, limiter_size(entries[i]));
	}
	CU_ASSERT_EQUAL(limiter_init(NULL, 0, &key), EINVAL);
}

static void
eviction_order(void)
{
	static const struct limiter_rule rule = {5, 100000};
	static const uint32_t tables[] = {1, 4, 64};
	for (size_t i = 0; i < 3; i++) {
		uint32_t entries = tables[i];
		struct limiter *limiter = limiter_map(entries, &key);
		for (uint32_t n = 0; n < entries; n++)
			CU_ASSERT_EQUAL(take(limiter, n, &rule, n, 5), 5);
		/* Asking again changes no order: windows end as they began. */
		for (uint32_t n = entries; n-- > 0;)
			CU_ASSERT_EQUAL(take(limiter, n, &rule, entries, 1), 0);
		for (uint32_t n = 0; n < entries; n++) {
			CU_ASSERT_EQUAL(take(limiter, 1000 + n, &rule, entries, 5), 5);
			CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, n + 1);
			for (uint32_t left = n + 1; left < entries; left++)
				CU_ASSERT_EQUAL(take(limiter, left, &rule, entries, 1), 0);
		}
		CU_ASSERT_EQUAL(take(limiter, 0, &rule, entries, 5), 5);
		CU_ASSERT_EQUAL(limiter_stats(limiter).entries, entries);
		region_unmap(limiter, limiter_size(entries));
	}
}

static void
ended_first(void)
{
	static const struct limiter_rule rule = {5, 100};
	struct limiter *limiter = limiter_map(3, &key);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 0, 5), 5);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 40, 5), 5);
	CU_ASSERT_EQUAL(take(limiter, 3, &rule, 50, 5), 5);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 100, 5), 5); /* a new window: now it ends last */
	CU_ASSERT_EQUAL(take(limiter, 4, &rule, 140, 5), 5); /* 2 has just ended */
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 0);
	CU_ASSERT_EQUAL(take(limiter, 5, &rule, 140, 5), 5); /* 3 has not */
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 1);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 140, 5), 0);
	CU_ASSERT_EQUAL(take(limiter, 4, &rule, 140, 5), 0);
	CU_ASSERT_EQUAL(take(limiter, 3, &rule, 140, 5), 5);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 2);
	CU_ASSERT_EQUAL(limiter_stats(limiter).entries, 3);
	region_unmap(limiter, limiter_size(3));
}

static void
million(void)
{
	static const struct limiter_rule rule = {1, 1000};
	enum { ENTRIES = 1000, CLIENTS = 1000000 };
	struct limiter *limiter = limiter_map(ENTRIES, &key);
	uint64_t passed = 0;
	for (uint32_t n = 0; n < CLIENTS; n++)
		passed += (uint64_t)take(limiter, n, &rule, 0, 2);
	CU_ASSERT_EQUAL(passed, CLIENTS);
	CU_ASSERT_EQUAL(limiter_stats(limiter).entries, ENTRIES);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, CLIENTS - ENTRIES);
	for (uint32_t n = CLIENTS - ENTRIES; n < CLIENTS; n++)
		CU_ASSERT_EQUAL(take(limiter, n, &rule, 0, 2), 0);
	region_unmap(limiter, limiter_size(ENTRIES));
}

/* With another key the same clients fall into the shards in other numbers. */
static void
keyed(void)
{
	static const struct limiter_rule rule = {1, 1000};
	enum { ENTRIES = 16384 };
	uint64_t evictions[2];
	for (uint64_t i = 0; i < 2; i++) {
		struct limiter *limiter = limiter_map(ENTRIES, &(struct siphash_key){i, 7});
		for (uint32_t n = 0; n < ENTRIES; n++)
			take(limiter, n, &rule, 0, 1);
		evictions[i] = limiter_stats(limiter).evictions;
		region_unmap(limiter, limiter_size(ENTRIES));
	}
	CU_ASSERT(evictions[0] != evictions[1]);
	CU_ASSERT(evictions[0] < ENTRIES / 20 && evictions[1] < ENTRIES / 20);
}

enum { LISTED = 9000 };

struct listing {
	size_t visits, is_limited;
	struct limiter_client clients[LISTED]; /* by number */
};

static void
note(void *context, const struct limiter_client *found)
{
	struct listing *listing = context;
	uint32_t number;
	memcpy(&number, found->address.bytes + 12, sizeof number);
	CU_ASSERT_FATAL(number < LISTED);
	listing->clients[number] = *found;
	listing->visits++;
	listing->is_limited += found->is_limited;
}

static struct listing *
list(const struct limiter *limiter, size_t entries, int64_t now_ms)
{
	struct listing *listing = calloc(1, sizeof *listing);
	CU_ASSERT_PTR_NOT_NULL_FATAL(listing);
	limiter_list(limiter, entries, now_ms, note, listing);
	return listing;
}

static void
listed(void)
{
	static const struct limiter_rule rule = {5, 1000};
	struct limiter *limiter = limiter_map(LISTED * 2, &key);
	struct listing *listing = list(limiter, LISTED * 2, 0);
	CU_ASSERT_EQUAL(listing->visits, 0);
	free(listing);
	for (uint32_t n = 0; n < LISTED; n++)
		take(limiter, n, &rule, n % 3 * 500, 1 + n % 7);
	listing = list(limiter, LISTED * 2, 1000);
	CU_ASSERT_EQUAL(listing->visits, LISTED);
	for (uint32_t n = 0; n < LISTED; n++) {
		const struct limiter_client *found = &listing->clients[n];
		int64_t lines = 1 + n % 7, left_ms = n % 3 * 500;
		CU_ASSERT_EQUAL((int64_t)found->limited, (lines > 5 ? lines - 5 : 0));
		/* One that came late was counted at the latest time of its shard. */
		CU_ASSERT(found->left_ms >= left_ms && found->left_ms <= 1000);
		if (found->left_ms > 0) {
			CU_ASSERT_EQUAL(found->used, lines > 5 ? 5 : lines);
			CU_ASSERT_EQUAL(found->is_limited, lines >= 5);
		} else {
			CU_ASSERT_EQUAL(found->used + found->is_limited, 0);
		}
	}
	free(listing);
	region_unmap(limiter, limiter_size(LISTED * 2));
}

static void
limited_lines(void)
{
	static const struct limiter_rule rule = {5, 1000};
	struct limiter *limiter = limiter_map(1, &key);
	take(limiter, 1, &rule, 0, 8);
	take(limiter, 1, &rule, 10, 8);
	take(limiter, 1, &rule, 1000, 6); /* another window: 3 + 8 + 1 */
	struct listing *listing = list(limiter, 1, 1250);
	CU_ASSERT_EQUAL(listing->clients[1].limited, 12);
	CU_ASSERT_EQUAL(listing->clients[1].left_ms, 750);
	CU_ASSERT(listing->clients[1].is_limited);
	free(listing);
	take(limiter, 2, &rule, 1250, 1); /* another client in the same entry */
	listing = list(limiter, 1, 1250);
	CU_ASSERT_EQUAL(listing->visits, 1);
	CU_ASSERT_EQUAL(listing->clients[2].limited, 0);
	free(listing);
	region_unmap(limiter, limiter_size(1));
}

/* Forgets client 0; whether it was listed before, and is not now. */
static bool
forget_first(struct limiter *limiter, size_t entries)
{
	struct listing *before = list(limiter, entries, 0);
	limiter_forget(limiter, entries, &before->clients[0]);
	struct listing *after = list(limiter, entries, 0);
	bool well = before->clients[0].used > 0 && after->clients[0].used == 0 &&
	            after->visits == before->visits - 1;
	free(before);
	free(after);
	return well;
}

static void
forgotten(void)
{
	static const struct limiter_rule rule = {5, 100000};
	static const uint32_t clients[] = {1, 3, 64, 3000};
	for (size_t i = 0; i < 4; i++) {
		/* Several shards for the last ones, and none of them full. */
		size_t entries = clients[i] < 3000 ? clients[i] : 9000;
		struct limiter *limiter = limiter_map(entries, &key);
		for (int turn = 0; turn < 3; turn++) {
			for (uint32_t n = 0; n < clients[i]; n++) {
				int64_t passed = take(limiter, n, &rule, turn, 9);
				CU_ASSERT_EQUAL(passed, (n == 0 || turn == 0 ? 5 : 0));
			}
			struct listing *listing = list(limiter, entries, turn);
			CU_ASSERT_EQUAL(listing->visits, clients[i]);
			CU_ASSERT_EQUAL(listing->clients[0].limited, 4);
			free(listing);
			CU_ASSERT(forget_first(limiter, entries));
		}
		region_unmap(limiter, limiter_size(entries));
	}
}

/* What is forgotten is the window that was seen: not the next one, and not that of who got the entry. */
static void
forgotten_late(void)
{
	static const struct limiter_rule rule = {5, 1000};
	struct limiter *limiter = limiter_map(1, &key);
	take(limiter, 0, &rule, 0, 5);
	struct listing *listing = list(limiter, 1, 0);
	CU_ASSERT_EQUAL(take(limiter, 0, &rule, 1000, 5), 5);
	limiter_forget(limiter, 1, &listing->clients[0]);
	CU_ASSERT_EQUAL(take(limiter, 0, &rule, 1000, 5), 0);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 1000, 5), 5);
	limiter_forget(limiter, 1, &listing->clients[0]);
	CU_ASSERT_EQUAL(take(limiter, 1, &rule, 1000, 5), 0);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 1);
	free(listing);
	/* One that was forgotten makes room like one whose window has ended. */
	listing = list(limiter, 1, 1000);
	limiter_forget(limiter, 1, &listing->clients[1]);
	CU_ASSERT_EQUAL(take(limiter, 2, &rule, 1000, 5), 5);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 1);
	free(listing);
	region_unmap(limiter, limiter_size(1));
}

/*
 * Takers of a crowded table, and a lister.  Client n asks for multiples of the prime[n] only, and MOST is one of each:
 * so are all its numbers, and an entry that is of two clients shows.
 */
enum { TAKERS = 3, TAKEN = 5, CROWD = 8, MOST = 3 * 5 * 7 * 11 * 13 * 17, LISTINGS_MS = 500 };
static const uint8_t primes[CROWD] = {3, 5, 7, 11, 13, 17, 3 * 17, 5 * 13};

struct crowd {
	struct limiter *limiter;
	_Atomic bool over;
	_Atomic int64_t clock_ms;
	_Atomic uint64_t takes;
	uint64_t visits, wrong;
	unsigned seen; /* a bit for each client */
};

static void *
take_always(void *arg)
{
	static const struct limiter_rule crowd_rule = {MOST, 50};
	struct crowd *crowd = arg;
	for (uint32_t n = 1; !crowd->over; n = n * 1664525 + 1013904223) {
		uint32_t number = (n >> 8) % CROWD;
		struct address address;
		memset(address.bytes, primes[number], sizeof address.bytes);
		limiter_take(crowd->limiter, &address, &crowd_rule,
			atomic_fetch_add(&crowd->clock_ms, 1),
			primes[number] * (1 + (n >> 12) % (MOST / primes[number])));
		atomic_fetch_add(&crowd->takes, 1);
	}
	return NULL;
}

static void
judge(void *context, const struct limiter_client *found)
{
	struct crowd *crowd = context;
	struct address address;
	uint8_t prime = found->address.bytes[0];
	memset(address.bytes, prime, sizeof address.bytes);
	const uint8_t *known = memchr(primes, prime, sizeof primes);
	crowd->visits++;
	if (known == NULL || !address_equal(&address, &found->address) || found->used < 0 ||
		found->used > MOST || found->used % prime != 0 || found->limited % prime != 0)
		crowd->wrong++;
	else
		crowd->seen |= 1U << (known - primes);
}

static void
listed_meanwhile(void)
{
	pthread_t threads[TAKERS];
	struct crowd crowd = {.limiter = limiter_map(TAKEN, &key)};
	for (int i = 0; i < TAKERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, take_always, &crowd), 0);
	int64_t deadline_ms = clock_mono_ms() + LISTINGS_MS;
	while (clock_mono_ms() < deadline_ms || crowd.takes < 10000)
		limiter_list(crowd.limiter, TAKEN, crowd.clock_ms, judge, &crowd);
	crowd.over = true;
	for (int i = 0; i < TAKERS; i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT_EQUAL(crowd.wrong, 0);
	CU_ASSERT_EQUAL(crowd.seen, (1U << CROWD) - 1);
	crowd.visits = crowd.seen = 0;
	limiter_list(crowd.limiter, TAKEN, crowd.clock_ms, judge, &crowd);
	CU_ASSERT_EQUAL(crowd.visits, TAKEN);
	CU_ASSERT_EQUAL(__builtin_popcount(crowd.seen), TAKEN);
	CU_ASSERT_EQUAL(crowd.wrong, 0);
	region_unmap(crowd.limiter, limiter_size(TAKEN));
}

static void
ignore(void *context, const struct limiter_client *found)
{
	uint64_t *visits = context;
	CU_ASSERT(found->left_ms >= 0 && found->used >= 0);
	++*visits;
}

/* Memory of the exact size, so that the address sanitizer sees who reads beyond it. */
static void
listed_nonsense(void)
{
	enum { ENTRIES = 10000, TURNS = 50 };
	size_t size = limiter_size(ENTRIES);
	uint64_t *words = aligned_alloc(REGION_LINE_BYTES, size), random = 1, visits = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(words);
	int64_t begin_ms = clock_mono_ms();
	for (int turn = 0; turn < TURNS; turn++) {
		for (size_t i = 0; i < size / sizeof *words; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			words[i] = turn % 2 == 0 ? random : random >> 33;
		}
		const struct limiter *limiter = (void *)words;
		CU_ASSERT(!limiter_is_sound(limiter, ENTRIES));
		limiter_stats(limiter);
		limiter_list(limiter, ENTRIES, begin_ms, ignore, &visits);
	}
	CU_ASSERT(visits > 0);
	free(words);
}

enum { PROCESSES = 8, THREADS = 2, ROUNDS = 12, FEW = 3 };
static const struct limiter_rule contest_rule = {20000, 600000};

struct contest {
	pthread_barrier_t barrier; /* a round's window ends before the next round */
	struct limiter *limiter;
	_Atomic int64_t granted[ROUNDS][FEW];
};

static void *
contend(void *arg)
{
	struct contest *contest = arg;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&contest->barrier);
		int64_t now_ms = (int64_t)round * 2 * contest_rule.window_ms;
		for (uint32_t n = 0, full = 0; full < FEW; n++) {
			int64_t lines = 1 + n % 7;
			int64_t passed = take(
				contest->limiter, n % FEW, &contest_rule, now_ms + n, lines);
			atomic_fetch_add(&contest->granted[round][n % FEW], passed);
			full = passed < lines ? full + 1 : 0;
		}
	}
	return NULL;
}

static void
contend_in_threads(void *arg)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, contend, arg) != 0)
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void
contention(void)
{
	struct contest *contest = region_map(sizeof *contest);
	CU_ASSERT_PTR_NOT_NULL_FATAL(contest);
	contest->limiter = limiter_map(64, &key);
	pthread_barrierattr_t attr;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&contest->barrier, &attr, PROCESSES * THREADS);
	pid_t pids[PROCESSES];
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = child_start(contend_in_threads, contest);
	for (int i = 0; i < PROCESSES; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	for (int round = 0; round < ROUNDS; round++)
		for (int n = 0; n < FEW; n++)
			CU_ASSERT_EQUAL(contest->granted[round][n], contest_rule.max);
	region_unmap(contest->limiter, limiter_size(64));
	region_unmap(contest, sizeof *contest);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"windows of two clients, to the millisecond", windows},
		{"a thread held up before the lock comes late, not early", late_thread},
		{"tables of any size hold exactly that many", sizes},
		{"the window that ends soonest makes room", eviction_order},
		{"ended windows are reused first, and not counted", ended_first},
		{"a million clients on a small table", million},
		{"the key spreads the clients", keyed},
		{"every client is listed, with its window", listed},
		{"lines that did not pass are counted for each client", limited_lines},
		{"a client is forgotten on demand", forgotten},
		{"a window that was forgotten too late is let be", forgotten_late},
		{"what is listed meanwhile is whole, and all when it is quiet", listed_meanwhile},
		{"random bytes are listed to their end", listed_nonsense},
		{"threads of 8 processes get exactly the maximum", contention},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("limiter", cases);
}
