/* SPDX-License-Identifier: ISC */
/* Reads the clocks. */
#include "base/clock.h"

#include <time.h>

int64_t
clock_mono_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

struct clock_time
clock_read(void)
{
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	return (struct clock_time){
		.wall_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000,
		.mono_us = clock_mono_us(),
	};
}
