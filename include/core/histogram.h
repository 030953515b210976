/* SPDX-License-Identifier: ISC */
/*
 * Times in classes: fixed memory for 1 microsecond to 100 seconds.  Up to 7 us each number has a bucket of its
 * own, above there are eight for each doubling, so that what is read back is at most 12.5 % too much.
 * Plain data, pure.
 */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	HISTOGRAM_TOP_BIT =
		26, /* of 100 s in microseconds; what is longer falls into the last bucket */
	HISTOGRAM_BUCKETS = 8 * (HISTOGRAM_TOP_BIT - 1),
};

struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS]; /* how many times fell into each */
	uint64_t sum_us;                     /* of all times, exactly */
};

/* The bucket of a time; less than 0 counts as 0. */
size_t histogram_bucket(int64_t microseconds);

/* The longest time of a bucket, in microseconds. */
int64_t histogram_longest(size_t bucket);

/* Takes an earlier reading off a later one. */
void histogram_subtract(struct histogram *later, const struct histogram *earlier);

/* What `share` (0 to 1) of the times do not exceed, in microseconds; -1: there are none. */
int64_t histogram_percentile(const struct histogram *histogram, double share);

#endif
