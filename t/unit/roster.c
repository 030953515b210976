/* SPDX-License-Identifier: ISC */
/* Who is connected: places, the limit of one client over all workers, and workers that are killed. */
#include "shm/roster.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { WORKERS = 4, PLACES = 8, LIMIT = 5, ROUNDS = 10000, DEATHS = 100 };

/* One worker of a roster that several processes or threads share. */
struct shift {
	struct roster *roster;
	_Atomic long *inside, *above, *entered, *there;
	size_t worker;
	bool endless;
};

static struct address
client(uint8_t number)
{
	return (struct address){.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = number}};
}

static struct roster *
roster_map(size_t workers, size_t places)
{
	struct roster *roster = region_map(roster_size(workers, places));
	CU_ASSERT_PTR_NOT_NULL_FATAL(roster);
	CU_ASSERT_EQUAL_FATAL(roster_init(roster, workers, places), 0);
	return roster;
}

static int
enter(struct roster *roster, size_t worker, uint8_t number, size_t max)
{
	struct address address = client(number);
	bool too_many;
	int place = roster_enter(roster, worker, &address, max, &too_many);
	CU_ASSERT(place >= 0 || too_many == (max > 0));
	return place;
}

static void
places(void)
{
	struct roster *roster = roster_map(2, 100);
	CU_ASSERT_EQUAL(roster_places(roster), 100);
	bool seen[100] = {false};
	for (size_t i = 0; i < 100; i++) {
		int place = enter(roster, 1, (uint8_t)i, 0);
		CU_ASSERT_FATAL(place >= 0 && place < 100 && !seen[place]);
		seen[place] = true;
		CU_ASSERT_EQUAL(roster_clients(roster, 1), i + 1);
	}
	CU_ASSERT_EQUAL(enter(roster, 1, 1, 0), -1);
	CU_ASSERT_EQUAL(roster_clients(roster, 0), 0);
	/* Whatever the order in which places come free, each is found again. */
	for (int i = 0; i < 100; i += 3)
		roster_leave(roster, 1, i);
	CU_ASSERT_EQUAL(roster_clients(roster, 1), 66);
	for (int i = 0; i < 34; i++)
		CU_ASSERT_EQUAL(enter(roster, 1, 1, 0) % 3, 0);
	CU_ASSERT_EQUAL(enter(roster, 1, 1, 0), -1);
	region_unmap(roster, roster_size(2, 100));
}

static void
limit(void)
{
	struct roster *roster = roster_map(3, 4);
	int first = enter(roster, 0, 1, 3);
	CU_ASSERT(first >= 0 && enter(roster, 1, 1, 3) >= 0 && enter(roster, 2, 1, 3) >= 0);
	CU_ASSERT_EQUAL(enter(roster, 0, 1, 3), -1);
	CU_ASSERT_EQUAL(roster_clients(roster, 0), 1);
	CU_ASSERT(enter(roster, 0, 2, 3) >= 0);
	roster_leave(roster, 0, first);
	CU_ASSERT(enter(roster, 1, 1, 3) >= 0);
	CU_ASSERT_EQUAL(enter(roster, 1, 1, 3), -1);
	CU_ASSERT(enter(roster, 1, 1, 4) >= 0);
	CU_ASSERT(enter(roster, 1, 1, 0) >= 0);
	region_unmap(roster, roster_size(3, 4));
}

static void
full_or_too_many(void)
{
	struct roster *roster = roster_map(1, 2);
	struct address a = client(1), b = client(2);
	bool too_many = true;
	CU_ASSERT(roster_enter(roster, 0, &a, 2, &too_many) >= 0 && !too_many);
	CU_ASSERT(roster_enter(roster, 0, &b, 2, &too_many) >= 0 && !too_many);
	CU_ASSERT(roster_enter(roster, 0, &a, 2, &too_many) == -1 && !too_many);
	CU_ASSERT(roster_enter(roster, 0, &a, 1, &too_many) == -1 && too_many);
	CU_ASSERT(roster_enter(roster, 0, &a, 0, &too_many) == -1 && !too_many);
	region_unmap(roster, roster_size(1, 2));
}

/* Three places whose clients are not known yet: two of them are told to be 1, who may have that many. */
static void
told_later(void)
{
	static const struct address unknown = ROSTER_UNKNOWN;
	struct roster *roster = roster_map(2, 4);
	struct address a = client(1), b = client(2);
	bool too_many;
	int known = roster_enter(roster, 0, &a, 2, &too_many);
	int first = roster_enter(roster, 0, &unknown, 0, &too_many);
	int second = roster_enter(roster, 1, &unknown, 0, &too_many);
	CU_ASSERT_FATAL(known >= 0 && first >= 0 && second >= 0);
	CU_ASSERT(roster_rename(roster, 0, first, &a, 2));
	CU_ASSERT(!roster_rename(roster, 1, second, &a, 2));
	CU_ASSERT_EQUAL(roster_enter(roster, 1, &a, 2, &too_many), -1);
	CU_ASSERT(too_many);
	CU_ASSERT(roster_rename(roster, 1, second, &b, 1));
	CU_ASSERT_EQUAL(roster_enter(roster, 1, &b, 1, &too_many), -1);
	roster_leave(roster, 0, known);
	CU_ASSERT(roster_rename(roster, 1, second, &a, 2));
	CU_ASSERT(roster_enter(roster, 1, &b, 1, &too_many) >= 0);
	CU_ASSERT(roster_rename(roster, 1, second, &b, 0));
	CU_ASSERT_EQUAL(roster_clients(roster, 0) + roster_clients(roster, 1), 3);
	region_unmap(roster, roster_size(2, 4));
}

static void
bury(void)
{
	struct roster *roster = roster_map(2, 4);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(enter(roster, 0, 1, 0) >= 0);
	CU_ASSERT(enter(roster, 1, 1, 0) >= 0);
	CU_ASSERT_EQUAL(enter(roster, 1, 1, 5), -1);
	roster_bury(roster, 0);
	CU_ASSERT_EQUAL(roster_clients(roster, 0), 0);
	CU_ASSERT_EQUAL(roster_clients(roster, 1), 1);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(enter(roster, 0, 1, 5) >= 0);
	CU_ASSERT_EQUAL(enter(roster, 1, 1, 5), -1);
	region_unmap(roster, roster_size(2, 4));
}

/* As a client of a load balancer does. */
static int
enter_unknown(const struct shift *shift, const struct address *address)
{
	static const struct address unknown = ROSTER_UNKNOWN;
	bool too_many;
	int place = roster_enter(shift->roster, shift->worker, &unknown, 0, &too_many);
	if (place < 0 || roster_rename(shift->roster, shift->worker, place, address, LIMIT))
		return place;
	roster_leave(shift->roster, shift->worker, place);
	return -1;
}

/* Enters and leaves; counts how often more than LIMIT of the one client were inside. */
static void *
work(void *arg)
{
	struct shift *shift = arg;
	struct address address = client(1);
	int held[PLACES], count = 0;
	atomic_fetch_add(shift->there, 1);
	while (atomic_load(shift->there) < WORKERS)
		sched_yield();
	for (long i = 0; i < ROUNDS || shift->endless; i++) {
		bool too_many;
		int place = i % 2 == 0 ? roster_enter(shift->roster, shift->worker, &address, LIMIT,
						 &too_many)
		                       : enter_unknown(shift, &address);
		if (place >= 0) {
			atomic_fetch_add(shift->entered, 1);
			if (atomic_fetch_add(shift->inside, 1) >= LIMIT)
				atomic_fetch_add(shift->above, 1);
			held[count++] = place;
		}
		if (count > 0 && (place < 0 || i % 3 == 0)) {
			atomic_fetch_sub(shift->inside, 1);
			roster_leave(shift->roster, shift->worker, held[--count]);
		}
	}
	while (count > 0) {
		atomic_fetch_sub(shift->inside, 1);
		roster_leave(shift->roster, shift->worker, held[--count]);
	}
	return NULL;
}

static void
work_alone(void *arg)
{
	work(arg);
}

struct contest {
	struct shift shifts[WORKERS];
	_Atomic long inside, above, there, entered[WORKERS];
};

static struct contest *
contest_new(bool endless)
{
	struct contest *contest = region_map(sizeof *contest);
	CU_ASSERT_PTR_NOT_NULL_FATAL(contest);
	struct roster *roster = roster_map(WORKERS, PLACES);
	for (size_t i = 0; i < WORKERS; i++)
		contest->shifts[i] = (struct shift){roster, &contest->inside, &contest->above,
			&contest->entered[i], &contest->there, i, endless};
	return contest;
}

static void
contest_check(struct contest *contest)
{
	struct roster *roster = contest->shifts[0].roster;
	CU_ASSERT_EQUAL(contest->above, 0);
	long entered = 0;
	for (size_t i = 0; i < WORKERS; i++) {
		CU_ASSERT_EQUAL(roster_clients(roster, i), 0);
		entered += contest->entered[i];
	}
	CU_ASSERT(entered > 0);
	for (int i = 0; i < LIMIT; i++)
		CU_ASSERT(enter(roster, (size_t)i % WORKERS, 1, LIMIT) >= 0);
	CU_ASSERT_EQUAL(enter(roster, 0, 1, LIMIT), -1);
	region_unmap(roster, roster_size(WORKERS, PLACES));
	region_unmap(contest, sizeof *contest);
}

static void
processes(void)
{
	struct contest *contest = contest_new(false);
	pid_t pids[WORKERS];
	for (size_t i = 0; i < WORKERS; i++)
		pids[i] = child_start(work_alone, &contest->shifts[i]);
	for (size_t i = 0; i < WORKERS; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	contest_check(contest);
}

static void
threads(void)
{
	struct contest *contest = contest_new(false);
	pthread_t ids[WORKERS];
	for (size_t i = 0; i < WORKERS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&ids[i], NULL, work, &contest->shifts[i]), 0);
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(ids[i], NULL);
	contest_check(contest);
}

/* Workers are killed wherever they are, holding the lock too; the others go on and nothing stays taken. */
static void
deaths(void)
{
	struct contest *contest = contest_new(true);
	struct roster *roster = contest->shifts[0].roster;
	pid_t pids[WORKERS];
	for (size_t i = 0; i < WORKERS; i++)
		pids[i] = child_start(work_alone, &contest->shifts[i]);
	int64_t deadline_ms = clock_mono_ms() + 1000 * CHILD_SECONDS / 2;
	for (size_t death = 0; death < DEATHS; death++) {
		size_t victim = death % WORKERS, other = (victim + 1) % WORKERS;
		child_kill(pids[victim]);
		roster_bury(roster, victim);
		long before = atomic_load(&contest->entered[other]);
		pids[victim] = child_start(work_alone, &contest->shifts[victim]);
		while (atomic_load(&contest->entered[other]) == before &&
			clock_mono_ms() < deadline_ms)
			usleep(100);
	}
	CU_ASSERT(clock_mono_ms() < deadline_ms);
	for (size_t i = 0; i < WORKERS; i++) {
		child_kill(pids[i]);
		roster_bury(roster, i);
	}
	/* What the dead had inside was never counted out. */
	contest->above = 0;
	contest_check(contest);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a worker's places are taken once, and found again", places},
		{"the limit of a client counts over all workers", limit},
		{"full and too many are told apart", full_or_too_many},
		{"who a client is may be told later", told_later},
		{"a dead worker's places are emptied", bury},
		{"the limit is exact among processes", processes},
		{"the limit is exact among threads", threads},
		{"workers killed at any moment leave nothing behind", deaths},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("roster", cases);
}
