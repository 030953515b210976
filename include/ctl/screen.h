/* SPDX-License-Identifier: ISC */
/* The screen of `top`, by ncurses.  One at a time, one thread. */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "figures/rates.h"

/* What the user chose. */
struct screen_view {
	size_t column; /* sorted by */
	bool least_first;
};

enum screen_key { SCREEN_NEXT, SCREEN_REDRAW, SCREEN_QUIT };

struct screen; /* of ncurses, which draws on the one that was opened last */

/* Takes the terminal.  NULL: it is none that can show a screen. */
struct screen *screen_open(void);
void screen_close(struct screen *screen);

void screen_draw(
	const struct reading *reading, struct rates *rates, const struct screen_view *view);

/*
 * Waits for a key: NEXT when the time is over or the user wants the next look, REDRAW when the view
 * or the size has changed.
 */
enum screen_key screen_wait(struct screen_view *view, int64_t timeout_ms);

#endif
