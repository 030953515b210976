/* SPDX-License-Identifier: ISC */
/*
 * What each worker has done, in shared memory: one slot a worker, written by it alone with relaxed
 * atomics, read by everyone.  A slot passes from a dead worker to its replacement with its
 * counters, so no counter ever goes back.
 */
#ifndef SHM_SCOREBOARD_H
#define SHM_SCOREBOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "core/reply.h"

enum count {
	COUNT_LINES = VERDICTS, /* the verdicts come first: COUNT is an enum verdict or one of these */
	COUNT_BYTES_IN,
	COUNT_BATCHES,
	COUNT_ACCEPTED,       /* connections served */
	COUNT_BUSY,           /* refused: no thread, descriptor or memory */
	COUNT_DENIED,         /* refused: too many connections of one client */
	COUNT_IDLE_CLOSED,    /* closed after IdleTimeout */
	COUNT_SEND_CLOSED,    /* closed after SendTimeout */
	COUNT_STORAGE_ERRORS, /* appends that failed */
	COUNTS
};

struct scoreboard; /* lives in shared memory, pointer-free */

/* One reading of all counters, of one worker or of all. */
struct scoreboard_totals {
	uint64_t counts[COUNTS];
};

size_t scoreboard_size(size_t workers);
void scoreboard_init(void *memory, size_t workers);

/* Adds n to one counter of a worker.  Any thread of that worker. */
void scoreboard_add(struct scoreboard *board, size_t worker, size_t count, uint64_t n);

/*
 * Adds a settled batch: each verdict, and their sum to COUNT_LINES.  The sum is added last, so
 * that no reading has more lines than verdicts.
 */
void scoreboard_add_verdicts(
	struct scoreboard *board, size_t worker, const uint64_t verdicts[static VERDICTS]);

/* Sums over all workers. */
struct scoreboard_totals scoreboard_totals(const struct scoreboard *board);

/* The name of a counter, for messages: "received", "busy". */
const char *count_name(size_t count);

#endif
