/* SPDX-License-Identifier: ISC */
/*
 * Writes metrics in the text format of Prometheus (0.0.4) or in OpenMetrics (1.0.0): a family, then its samples.  Names
 * and labels are the caller's own words, which need no escaping.  Pure but for the heap.
 */
#ifndef MONITOR_EXPOSITION_H
#define MONITOR_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct exposition {
	struct buf *out;
	bool open_metrics;
	bool failed;                 /* there was no memory */
	const char *family, *suffix; /* whose samples are written */
};

enum exposition_type {
	EXPOSITION_COUNTER,
	EXPOSITION_GAUGE,
	EXPOSITION_INFO,
	EXPOSITION_HISTOGRAM
};

/*
 * Begins a family.  Its name is without the suffix that its samples have, `_total` of a counter and `_info` of an info,
 * but with its unit, if it has one.
 */
void exposition_family(struct exposition *exposition, enum exposition_type type, const char *name,
	const char *unit, const char *help);

/* A sample; `labels` is the text between the braces, or NULL. */
void exposition_count(struct exposition *exposition, const char *labels, uint64_t count);
void exposition_value(struct exposition *exposition, const char *labels, double value);

/* A sample of a histogram: so many were not longer than so many microseconds; at last all, with their sum. */
void exposition_bucket(struct exposition *exposition, int64_t microseconds, uint64_t count);
void exposition_all(struct exposition *exposition, uint64_t count, uint64_t sum_us);

/* The end of all families.  0, or -1 with errno ENOMEM. */
int exposition_end(struct exposition *exposition);

#endif
