/* SPDX-License-Identifier: ISC */
/*
 * Group commit among the threads of one worker.  A thread with records queues them and waits;
 * the first one there leads: it takes all that is queued, appends it with one lock and
 * one write, and wakes the others with the result.  (The model is PostgreSQL's XLogFlush.)  Records of
 * one call stay together and in order.
 *
 * When the file is not open or an append fails, the journal tries to open it again at the
 * next append: a bad disk ends by itself.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdint.h>

#include "base/slice.h"
#include "store/logfile.h"

struct journal; /* on the heap of its worker */

enum {
	JOURNAL_SYNC_NONE = 0,
	JOURNAL_SYNC_ALWAYS = -1,
	/* n > 0: at least every n seconds while there is something to sync */
};

struct journal_target {
	const char *dir;
	const char *name;
	int64_t sync; /* JOURNAL_SYNC_NONE, JOURNAL_SYNC_ALWAYS or seconds */
};

/*
 * The strings are copied.  The file is opened at once; a failure is logged, left to the next
 * append and told in *open_error (0 or an errno).  NULL with errno when there is no memory
 * or no thread.
 */
struct journal *journal_new(
	const struct journal_target *target, struct logfile_mark *mark, int *open_error);

/* No append may be under way.  Syncs what LogSync promised, closes, frees. */
void journal_free(struct journal *journal);

/*
 * Appends whole records, each ending in a newline; returns when they are stored as LogSync
 * promises, or not at all.  0, or -1 with errno: nothing of them is in the file.  Any thread; it
 * may wait for the lock and the disk.  `wall_us` is the records' time, in microseconds since 1970.
 */
int journal_append(struct journal *journal, struct slice records, int64_t wall_us);

#endif
