/* SPDX-License-Identifier: ISC */
/*
 * The arithmetic of one fixed window.  Whole batches are counted at once; nothing here may
 * overflow, whatever the clock and the settings say.
 */
#include "core/window.h"

int
window_ended(const struct window *window, int64_t now_ms, int64_t length_ms)
{
	if (window->used <= 0)
		return 1;
	/* The clock of a thread that was delayed may be behind; the difference of two clocks may
	 * need 64 bits. */
	return now_ms >= window->start_ms &&
	       (uint64_t)now_ms - (uint64_t)window->start_ms >= (uint64_t)length_ms;
}

int64_t
window_take(struct window *window, int64_t now_ms, int64_t length_ms, int64_t max, int64_t lines)
{
	if (lines <= 0)
		return 0; /* nobody asked: no window begins */
	if (window_ended(window, now_ms, length_ms))
		*window = (struct window){.start_ms = now_ms};
	if (window->used >= max)
		return 0;
	int64_t left = max - window->used;
	int64_t passed = lines < left ? lines : left;
	window->used += passed;
	return passed;
}
