/* SPDX-License-Identifier: ISC */
/*
 * A segment as the forwarder reads it: only what no writer will take back.  An append that fails, or whose writer dies, is
 * cut off again; what may be read ends where the last good one has, which the writers note in shared memory (store/mark.h), or, where nothing is
 * noted, where the file ends while nobody holds its flock.  One thread.
 */
#ifndef FORWARD_TAIL_H
#define FORWARD_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/identity.h"
#include "store/mark.h"
#include "store/spool.h"

struct tail {
	int fd; /* -1: not open */
	struct identity identity;
	struct logfile_mark *mark;
};

/* 0, or -1 with errno. */
int tail_open(
	struct tail *tail, int spool, const struct segment *segment, struct logfile_mark *mark);
void tail_close(struct tail *tail);

/*
 * Where what may be read ends; *size is how long the file is.  -1 with errno; EWOULDBLOCK: a writer is at work, ask again.
 */
int64_t tail_end(const struct tail *tail, int64_t *size);

/*
 * Takes the flock without waiting; under it the end is final as long as it is held.  As tail_end(), and then with the lock.
 */
int64_t tail_lock(const struct tail *tail, int64_t *size);
void tail_unlock(const struct tail *tail);

/*
 * Reads whole lines from `from` on into `out`, in place of what was there: `most` bytes or fewer, or one line that is longer, and nothing from
 * `end` on.  With `rest` also what is left there without a newline.  0, or -1 with errno.
 */
int tail_read(const struct tail *tail, int64_t from, int64_t end, size_t most, bool rest,
	struct buf *out);

#endif
