/* SPDX-License-Identifier: ISC */
/* When clients may come, and what is said when they may not. */
#include "figures/readiness.h"

#include <errno.h>

#include "unit/tap.h"

enum { NOW_US = 100000000 };

static struct worker_reading workers[2];

/* A daemon that runs with two workers, which store. */
static struct reading
running(void)
{
	for (size_t i = 0; i < 2; i++)
		workers[i] = (struct worker_reading){.slot = i, .seen = {.state = SLOT_SERVING}};
	return (struct reading){.wall_us = NOW_US,
		.info = {.state = BOARD_RUNNING},
		.workers = workers,
		.worker_count = 2};
}

static struct readiness
judge(const struct reading *reading)
{
	struct storage storage = storage_of(reading, true);
	return readiness_of(reading, &storage);
}

static void
expect(const struct reading *reading, const char *why)
{
	struct readiness readiness = judge(reading);
	CU_ASSERT(!readiness.ready);
	CU_ASSERT_EQUAL_FATAL(readiness.count, 1);
	CU_ASSERT_EQUAL(strncmp(readiness.why[0], why, strlen(why)), 0);
}

static void
states(void)
{
	struct reading reading = running();
	CU_ASSERT(judge(&reading).ready);
	CU_ASSERT_EQUAL(judge(&reading).count, 0);
	reading.info.state = BOARD_STARTING;
	expect(&reading, "starting");
	reading.info.state = BOARD_STOPPING;
	expect(&reading, "draining");
	reading.info.state = 99;
	expect(&reading, "unknown");
	reading = running();
	workers[0].seen.state = SLOT_RETIRING;
	CU_ASSERT(judge(&reading).ready);
	workers[1].seen.state = SLOT_STARTING;
	expect(&reading, "no worker serves");
}

static void
fail(struct worker_reading *worker, int error, int64_t since_us, int64_t failed_us)
{
	worker->seen.store_error = error;
	worker->seen.store_since_us = since_us;
	worker->seen.store_failed_us = failed_us;
}

static void
storage_fails(void)
{
	struct reading reading = running();
	fail(&workers[0], EIO, NOW_US - 2000, NOW_US - 10);
	fail(&workers[1], ENOSPC, NOW_US - 5000, NOW_US - 10);
	struct storage storage = storage_of(&reading, true);
	CU_ASSERT_EQUAL(storage.state, STORAGE_FAILING);
	CU_ASSERT_EQUAL(storage.since_us, NOW_US - 5000);
	CU_ASSERT_EQUAL(storage.error, ENOSPC);
	expect(&reading, "storage fails since 1970-01-01T00:01:39.995000Z: No space left");
	CU_ASSERT_EQUAL(storage_of(&reading, false).state, STORAGE_OFF);
	workers[1].seen.store_error = 0;
	expect(&reading, "storage fails since 1970-01-01T00:01:39.998000Z: Input/output error");
	workers[0].seen.store_error = 0;
	CU_ASSERT(judge(&reading).ready);
}

/* Else a balancer that sends nobody would never learn that there is room again. */
static void
doubt_ends(void)
{
	struct reading reading = running();
	int64_t limit_us = INT64_C(1000) * STORAGE_DOUBT_MS;
	fail(&workers[0], ENOSPC, 0, NOW_US - limit_us + 1000);
	CU_ASSERT(!judge(&reading).ready);
	fail(&workers[0], ENOSPC, 0, NOW_US - limit_us);
	CU_ASSERT(judge(&reading).ready);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the daemon's states", states},
		{"storage fails", storage_fails},
		{"a failure of long ago says nothing", doubt_ends},
		{NULL, NULL},
	};
	return tap_main("readiness", cases);
}
