/* SPDX-License-Identifier: ISC */
/*
 * LogSync seconds: a thread that brings what was appended to the disk at most so many seconds
 * later, while appends go on.  It sleeps for good while there is nothing to sync.
 */
#ifndef STORE_SYNCER_H
#define STORE_SYNCER_H

#include <stdint.h>

#include "store/trouble.h"

struct syncer; /* on the heap of its worker */

/*
 * Starts the thread, with all signals blocked.  `path` is for messages; it and `trouble`
 * must outlive the syncer.  NULL with errno.
 */
struct syncer *syncer_new(const char *path, int64_t seconds, struct trouble *trouble);

/* Stops the thread and syncs what is left. */
void syncer_free(struct syncer *syncer);

/*
 * Something was appended to the file behind fd.  Keeps a descriptor of its own until it has synced, so the
 * caller may close fd.  One thread at a time.  0, or -1 with errno: there was no descriptor to
 * be had, and the caller has to sync by itself.
 */
int syncer_note(struct syncer *syncer, int fd);

/* Syncs what was noted, now: before another file takes this one's place.  The noting thread. */
void syncer_flush(struct syncer *syncer);

#endif
