/* SPDX-License-Identifier: ISC */
/*
 * Answer times, counted in buckets: 32 to each power of two, so that a percentile is at most 3 %
 * too small and no number of samples takes more memory.
 */
#include "bench/loadgen.h"

static size_t
bucket_of(int64_t us)
{
	uint64_t value = us > 0 ? (uint64_t)us : 0;
	size_t shift = 0;
	while (value >> shift >= (size_t)2 * HISTOGRAM_STEPS)
		shift++;
	size_t bucket = shift * HISTOGRAM_STEPS + (size_t)(value >> shift);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

void
histogram_add(struct histogram *histogram, int64_t us)
{
	histogram->buckets[bucket_of(us)]++;
	histogram->count++;
	if (us > histogram->max_us)
		histogram->max_us = us;
}

void
histogram_merge(struct histogram *sum, const struct histogram *part)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		sum->buckets[i] += part->buckets[i];
	sum->count += part->count;
	if (part->max_us > sum->max_us)
		sum->max_us = part->max_us;
}

int64_t
histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t below = (uint64_t)((double)histogram->count * percent / 100);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (below < histogram->buckets[i]) {
			size_t shift = i < (size_t)2 * HISTOGRAM_STEPS ? 0
			                                               : i / HISTOGRAM_STEPS - 1;
			return (int64_t)((i - shift * HISTOGRAM_STEPS) << shift);
		}
		below -= histogram->buckets[i];
	}
	return histogram->max_us;
}
