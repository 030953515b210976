/* SPDX-License-Identifier: ISC */
/* Classes of times: without gaps, never off by more than an eighth, and what is read back from them. */
#include "core/histogram.h"

#include "unit/tap.h"

static void
classes(void)
{
	size_t last = 0;
	for (int64_t us = 0; us < 100000000; us += 1 + us / 1000) {
		size_t bucket = histogram_bucket(us);
		int64_t longest = histogram_longest(bucket);
		CU_ASSERT_FATAL(bucket == last || bucket == last + 1);
		CU_ASSERT_FATAL(longest >= us);
		CU_ASSERT_FATAL((longest - us) * 8 <= us);
		last = bucket;
	}
}

static void
edges(void)
{
	CU_ASSERT_EQUAL(histogram_bucket(-1), 0);
	CU_ASSERT_EQUAL(histogram_bucket(INT64_MIN), 0);
	CU_ASSERT_EQUAL(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
	CU_ASSERT(histogram_longest(HISTOGRAM_BUCKETS - 1) >= 100000000);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		CU_ASSERT_EQUAL(histogram_bucket(histogram_longest(i)), i);
		if (i + 1 < HISTOGRAM_BUCKETS)
			CU_ASSERT_EQUAL(histogram_bucket(histogram_longest(i) + 1), i + 1);
	}
}

static void
percentiles(void)
{
	struct histogram histogram = {0};
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0.5), -1);
	histogram.buckets[histogram_bucket(5)] = 90;
	histogram.buckets[histogram_bucket(1000)] = 9;
	histogram.buckets[histogram_bucket(50000000)] = 1;
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0), 5);
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0.5), 5);
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0.9), 5);
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0.91), 1023);
	CU_ASSERT_EQUAL(histogram_percentile(&histogram, 0.99), 1023);
	int64_t most = histogram_percentile(&histogram, 1);
	CU_ASSERT(most >= 50000000 && most <= 56250000);
}

static void
differences(void)
{
	struct histogram earlier = {0}, later;
	earlier.buckets[3] = 10;
	later = earlier;
	later.buckets[7] = 2;
	histogram_subtract(&later, &earlier);
	CU_ASSERT_EQUAL(histogram_percentile(&later, 0.01), 7);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"classes follow each other and are never off by more than an eighth", classes},
		{"their edges", edges},
		{"percentiles", percentiles},
		{"what came after an earlier reading", differences},
		{NULL, NULL},
	};
	return tap_main("histogram", cases);
}
