/* SPDX-License-Identifier: ISC */
/* The classes: the top bit of a number chooses eight buckets, the next three bits one of them. */
#include "core/histogram.h"

enum { SUB_BITS = 3, SUBS = 1 << SUB_BITS };

size_t
histogram_bucket(int64_t microseconds)
{
	if (microseconds < SUBS)
		return microseconds < 0 ? 0 : (size_t)microseconds;
	int top = 63 - __builtin_clzll((unsigned long long)microseconds);
	if (top > HISTOGRAM_TOP_BIT)
		return HISTOGRAM_BUCKETS - 1;
	size_t sub = (size_t)(microseconds >> (top - SUB_BITS)) % SUBS;
	return (size_t)(top - SUB_BITS + 1) * SUBS + sub;
}

int64_t
histogram_longest(size_t bucket)
{
	if (bucket < SUBS)
		return (int64_t)bucket;
	int64_t next = (int64_t)(SUBS + bucket % SUBS) + 1;
	return (next << (bucket / SUBS - 1)) - 1;
}

void
histogram_subtract(struct histogram *later, const struct histogram *earlier)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		later->buckets[i] -= earlier->buckets[i];
	later->sum_us -= earlier->sum_us;
}

int64_t
histogram_percentile(const struct histogram *histogram, double share)
{
	uint64_t all = 0, seen = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		all += histogram->buckets[i];
	if (all == 0)
		return -1;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen > 0 && (double)seen >= share * (double)all)
			return histogram_longest(i);
	}
	return histogram_longest(HISTOGRAM_BUCKETS - 1);
}
