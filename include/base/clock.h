/* SPDX-License-Identifier: ISC */
/*
 * The one place that asks the kernel for the time.  Everything below the serving
 * code is told the time instead.  Thread-safe.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock_time {
	int64_t wall_us; /* microseconds since 1970-01-01 UTC: what a record is stamped with */
	int64_t mono_ms; /* milliseconds of CLOCK_MONOTONIC: the same in every process, never set
			    back */
};

struct clock_time clock_read(void);

/* CLOCK_MONOTONIC alone: for timers and deadlines, and for short times. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

#endif
