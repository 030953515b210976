/* SPDX-License-Identifier: ISC */
/* The rate limiter: exact among threads of many processes, bounded, fair when it is full. */
#include "shm/limiter.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

static const struct siphash_key key = {1, 2};

static struct address
client(uint32_t number)
{
	struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
	memcpy(address.bytes + 12, &number, sizeof number);
	return address;
}

static struct limiter *
limiter_map(size_t entries, const struct siphash_key *with)
{
	struct limiter *limiter = region_map(limiter_size(entries));
	CU_ASSERT_PTR_NOT_NULL_FATAL(limiter);
	CU_ASSERT_EQUAL_FATAL(limiter_init(limiter, entries, with), 0);
	return limiter;
}

static int64_t
take(struct limiter *limiter, uint32_t number, const struct limiter_rule *rule, int64_t now_ms,
	int64_t lines)
{
	struct address address = client(number);
	return limiter_take(limiter, &address, rule, now_ms, lines);
}

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
list(struct limiter *limiter, int64_t now_ms)
{
	struct listing *listing = calloc(1, sizeof *listing);
	CU_ASSERT_PTR_NOT_NULL_FATAL(listing);
	limiter_list(limiter, now_ms, note, listing);
	return listing;
}

static void
listed(void)
{
	static const struct limiter_rule rule = {5, 1000};
	struct limiter *limiter = limiter_map(LISTED * 2, &key);
	struct listing *listing = list(limiter, 0);
	CU_ASSERT_EQUAL(listing->visits, 0);
	free(listing);
	for (uint32_t n = 0; n < LISTED; n++)
		take(limiter, n, &rule, n % 3 * 500, 1 + n % 7);
	listing = list(limiter, 1000);
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
	struct listing *listing = list(limiter, 1250);
	CU_ASSERT_EQUAL(listing->clients[1].limited, 12);
	CU_ASSERT_EQUAL(listing->clients[1].left_ms, 750);
	CU_ASSERT(listing->clients[1].is_limited);
	free(listing);
	take(limiter, 2, &rule, 1250, 1); /* another client in the same entry */
	listing = list(limiter, 1250);
	CU_ASSERT_EQUAL(listing->visits, 1);
	CU_ASSERT_EQUAL(listing->clients[2].limited, 0);
	free(listing);
	region_unmap(limiter, limiter_size(1));
}

static void
reset(void)
{
	static const struct limiter_rule rule = {5, 100000};
	static const uint32_t clients[] = {1, 3, 64, 3000};
	for (size_t i = 0; i < 4; i++) {
		/* Several shards for the last ones, and none of them full. */
		size_t entries = clients[i] < 3000 ? clients[i] : 9000;
		struct limiter *limiter = limiter_map(entries, &key);
		struct address address = client(0), unknown = client(clients[i]);
		for (int turn = 0; turn < 3; turn++) {
			for (uint32_t n = 0; n < clients[i]; n++) {
				int64_t passed = take(limiter, n, &rule, turn, 9);
				CU_ASSERT_EQUAL(passed, (n == 0 || turn == 0 ? 5 : 0));
			}
			CU_ASSERT(limiter_reset(limiter, &address));
			CU_ASSERT(!limiter_reset(limiter, &address));
			CU_ASSERT(!limiter_reset(limiter, &unknown));
			CU_ASSERT_EQUAL(limiter_stats(limiter).entries, clients[i] - 1);
		}
		region_unmap(limiter, limiter_size(entries));
	}
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
		{"a client is forgotten on demand", reset},
		{"threads of 8 processes get exactly the maximum", contention},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("limiter", cases);
}
