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
	int64_t mono_us; /* microseconds of CLOCK_MONOTONIC: the same in every process, never set
			    back */
};

struct clock_time clock_read(void);

/* CLOCK_MONOTONIC alone: for timers and deadlines, and for short times. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* The shorter of two waits as poll() takes them: in milliseconds, less than 0 is for ever. */
static inline int
clock_shorter_ms(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

#endif
