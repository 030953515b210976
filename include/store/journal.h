/* SPDX-License-Identifier: ISC */
/*
 * Group commit among the threads of one worker.  A thread with records queues them and waits;
 * the first one there leads: it takes all that is queued, appends it with one lock and
 * one write, and wakes the others with the result.  (The model is PostgreSQL's XLogFlush.)  Records of
 * one call stay together and in order.
 *
 * Changes of the file queue like records: what was queued before goes to the old file, what is queued after
 * to the new one.
 *
 * When the file is not open or an append fails, the journal tries to open it again at the
 * next append: a bad disk ends by itself.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdint.h>

#include "base/slice.h"
#include "core/shipping.h"
#include "store/logfile.h"
#include "store/target.h"

struct journal; /* on the heap of its worker */

/*
 * Target and world are copied, what the world points to must outlive the journal.  The file is opened at once; a failure is logged, left to the next
 * append and told in *open_error (0 or an errno).  NULL with errno when there is no memory
 * or no thread.
 */
struct journal *journal_new(
	const struct journal_target *target, const struct journal_world *world, int *open_error);

/* Whether the target's file of now could be opened, or made, and linked into its spool: 0 or an errno.  Waits for the disk. */
int journal_try(const struct journal_target *target);

/* No append may be under way.  Syncs what LogSync promised, closes, frees. */
void journal_free(struct journal *journal);

/*
 * Appends whole records, each ending in a newline; returns when they are stored as LogSync
 * promises, or not at all.  0, or -1 with errno: nothing of them is in the file.  Any thread; it
 * may wait for the lock and the disk.  `wall_us` is the records' time, in microseconds since 1970.  Where
 * they are to be forwarded *end (may be NULL) is their place in the spool: they are confirmed when that is.
 */
int journal_append(
	struct journal *journal, struct slice records, int64_t wall_us, struct position *end);

/*
 * Another target, for all appends queued from now on.  The new file is opened first; where that fails (which is
 * logged) the old one stays in use, and each append tries again.  Returns when the target is in force, which may
 * wait for writes.  0, or -1 with errno (no memory, no thread) and the target as it was.  Any thread.
 */
int journal_retarget(struct journal *journal, const struct journal_target *target);

/*
 * Opens the file anew by its name, because it has been renamed: what is queued from now on goes to the new one.
 * Where it cannot be opened (which is logged) the old one stays in use, and each append tries again;
 * so does another call with the same generation.  Waits for the writes that are queued
 * already.  Any thread.
 */
void journal_reopen(struct journal *journal, uint64_t generation);

/*
 * The generation reached: this journal will never again write to a file that was opened before the
 * reopen of that number was asked for.  Begins at 0.  Any thread; never waits.
 */
uint64_t journal_generation(const struct journal *journal);

/* Why the last attempt to open a new file failed: an errno, or 0 when it did not.  Any thread; never waits. */
int journal_open_error(const struct journal *journal);

/* How many appends found the file locked by another process.  Any thread; never waits. */
uint64_t journal_lock_waits(const struct journal *journal);

#endif
