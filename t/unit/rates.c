/* SPDX-License-Identifier: ISC */
/* Two moments compared: what happened a second, of whom. */
#include "figures/rates.h"

#include <stdlib.h>

#include "unit/tap.h"

enum { LIMITED = RATES_VERDICTS + VERDICT_LIMITED, RECEIVED = RATES_VERDICTS + VERDICT_RECEIVED };

static struct worker_reading
worker(size_t slot, int64_t born_us, uint64_t received)
{
	struct worker_reading reading = {.slot = slot,
		.seen = {.pid = (pid_t)(100 + slot),
			.state = SLOT_SERVING,
			.born_us = born_us,
			.clients = slot}};
	reading.seen.totals.counts[VERDICT_RECEIVED] = received;
	reading.seen.totals.counts[COUNT_LINES] = received;
	reading.seen.totals.counts[COUNT_BYTES_IN] = received * 1000;
	return reading;
}

static struct limiter_client
client(uint8_t number, uint64_t limited)
{
	return (struct limiter_client){
		.address = {.bytes = {[10] = 0xff, [11] = 0xff, 192, 0, 2, number}},
		.limited = limited,
		.is_limited = number % 2 != 0};
}

/* Worker 1 is replaced between the moments, address 2 comes anew, address 3 is forgotten and comes back. */
static int
make(struct rates *rates)
{
	static struct worker_reading before[2], after[2];
	static struct limiter_client clients_before[2], clients_after[3];
	before[0] = worker(0, 1, 1000), before[1] = worker(1, 1, 50);
	after[0] = worker(0, 1, 1100), after[1] = worker(1, 2, 30);
	clients_before[0] = client(1, 10), clients_before[1] = client(3, 1000);
	clients_after[0] = client(1, 30), clients_after[1] = client(2, 8);
	clients_after[2] = client(3, 4);
	struct moment earlier = {.reading = {.mono_ms = 1000, .workers = before, .worker_count = 2},
		.clients = {.items = clients_before, .count = 2}};
	struct moment later = {.reading = {.mono_ms = 3000, .workers = after, .worker_count = 2},
		.clients = {.items = clients_after, .count = 3}};
	earlier.reading.totals.counts[VERDICT_RECEIVED] = 1050;
	later.reading.totals.counts[VERDICT_RECEIVED] = 1180;
	earlier.reading.times.buckets[histogram_bucket(50000)] = 1000;
	later.reading.times = earlier.reading.times;
	later.reading.times.buckets[histogram_bucket(7)] = 130;
	return rates_make(rates, &earlier, &later);
}

static const struct rates_row *
row(const struct rates *rates, const char *name)
{
	for (size_t i = 0; i < rates->count; i++)
		if (strcmp(rates->rows[i].name, name) == 0)
			return &rates->rows[i];
	CU_FAIL_FATAL("no such row");
	return NULL;
}

static void
compared(void)
{
	struct rates rates;
	CU_ASSERT_EQUAL_FATAL(make(&rates), 0);
	CU_ASSERT_EQUAL(rates.count, 6);
	CU_ASSERT_EQUAL(rates.p50_us, 7);
	CU_ASSERT_EQUAL(rates.p99_us, 7);
	CU_ASSERT_EQUAL(row(&rates, "total")->values[RECEIVED], 65);
	CU_ASSERT_EQUAL(row(&rates, "total")->values[RATES_CLIENTS], 1);
	CU_ASSERT_EQUAL(row(&rates, "100")->values[RECEIVED], 50);
	CU_ASSERT_EQUAL(row(&rates, "100")->values[RATES_KILOBYTES], 50);
	CU_ASSERT_EQUAL(row(&rates, "101")->values[RECEIVED], 15);
	CU_ASSERT_STRING_EQUAL(row(&rates, "101")->state, "serving");
	CU_ASSERT_PTR_EQUAL(rates_of_worker(&rates, 101), row(&rates, "101"));
	CU_ASSERT_PTR_NULL(rates_of_worker(&rates, 102));
	CU_ASSERT_EQUAL(row(&rates, "192.0.2.1")->values[LIMITED], 10);
	CU_ASSERT_EQUAL(row(&rates, "192.0.2.2")->values[LIMITED], 4);
	CU_ASSERT_EQUAL(row(&rates, "192.0.2.3")->values[LIMITED], 2);
	CU_ASSERT_STRING_EQUAL(row(&rates, "192.0.2.3")->state, "limited");
	CU_ASSERT(!row(&rates, "192.0.2.3")->known[RATES_LINES]);
	rates_fini(&rates);
}

static void
sorted(void)
{
	static const char *const most[] = {
		"total", "100", "101", "192.0.2.1", "192.0.2.2", "192.0.2.3"};
	static const char *const least[] = {
		"total", "101", "100", "192.0.2.3", "192.0.2.2", "192.0.2.1"};
	struct rates rates;
	CU_ASSERT_EQUAL_FATAL(make(&rates), 0);
	for (int turn = 0; turn < 4; turn++) {
		bool reverse = turn % 2 != 0;
		rates_sort(&rates, RECEIVED, reverse);
		for (size_t i = 0; i < 6; i++)
			CU_ASSERT_STRING_EQUAL(rates.rows[i].name, (reverse ? least : most)[i]);
	}
	rates_sort(&rates, RATES_CLIENTS, false);
	CU_ASSERT_STRING_EQUAL(rates.rows[1].name, "101");
	rates_fini(&rates);
}

static void
columns(void)
{
	for (size_t i = 0; i < RATES_COLUMNS; i++)
		CU_ASSERT_PTR_NOT_NULL(rates_column_name(i));
	for (size_t i = 0; i < VERDICTS; i++)
		CU_ASSERT_EQUAL(strcasecmp(rates_column_name(RATES_VERDICTS + i),
					verdict_name((enum verdict)i)),
			0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"what happened in between, a second", compared},
		{"rows are sorted among their kind", sorted},
		{"every column has a name", columns},
		{NULL, NULL},
	};
	return tap_main("rates", cases);
}
