/* SPDX-License-Identifier: ISC */
/*
 * One line on a terminal that shows how far we are: records answered, rate, and, where the size
 * of the input is known, the share that was taken and the time left.
 */
#ifndef SEND_PROGRESS_H
#define SEND_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_EVERY_MS = 200, PROGRESS_TEXT_MAX = 120 };

struct progress {
	int fd; /* the terminal; -1: show nothing */
	bool shown;
	int64_t started_ms, drawn_ms;
};

/* What is to be shown. */
struct progress_state {
	uint64_t records;
	int64_t elapsed_ms;
	int64_t taken_bytes, total_bytes; /* total -1: unknown */
};

void progress_init(struct progress *progress, int fd);

/* Draws the line, at most every PROGRESS_EVERY_MS; elapsed_ms is filled in here. */
void progress_draw(struct progress *progress, struct progress_state state);

/* Removes the line, before anything else is printed. */
void progress_clear(struct progress *progress);

/* "12000 records, 4000/s, 25%, 0:09 left"; returns text.  Pure. */
const char *progress_format(
	const struct progress_state *state, char text[static PROGRESS_TEXT_MAX]);

#endif
