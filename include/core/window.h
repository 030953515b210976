/* SPDX-License-Identifier: ISC */
/*
 * One client's rate-limit counter: a fixed window that begins with the client's first
 * line; the first line at or after its end begins the next one.  Plain data that may lie in shared
 * memory; pure; the caller locks.
 */
#ifndef CORE_WINDOW_H
#define CORE_WINDOW_H

#include <stdint.h>

struct window {
	int64_t start_ms; /* monotonic */
	int64_t used;     /* lines that passed since; 0: no window has begun */
};

/*
 * Asks for `lines` tokens at once, with the outcome that asking for them one by one at the same time
 * would have: returns how many pass, always the first ones.  `max` lines pass in a
 * window of `length_ms` >= 1; both may differ from call to call.
 */
int64_t window_take(
	struct window *window, int64_t now_ms, int64_t length_ms, int64_t max, int64_t lines);

/* Whether the next line would begin a new window. */
int window_ended(const struct window *window, int64_t now_ms, int64_t length_ms);

#endif
