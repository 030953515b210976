/* SPDX-License-Identifier: ISC */
/*
 * A batch on its way: the lines of one read, what is made of them, and the memory for it.  It belongs to a
 * connection only as long as it is under way, so a few serve many connections, and what they are made of
 * stays in the processor's caches.  Pure but for the heap.  One thread at a time.
 */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/decode.h"
#include "core/reply.h"

struct batch_line {
	struct slice text; /* points into the frame */
	uint8_t verdict;   /* enum verdict */
};

/* A zeroed struct is an empty batch. */
struct batch {
	struct batch_line *lines;
	size_t count, lines_cap;
	struct buf records; /* accepted ones, formatted: what is to be appended */
	struct buf replies; /* filled by session_settle() */
	uint64_t verdicts[VERDICTS];
	struct decoder decoder;
};

/* Frees its memory; the batch is empty and usable again. */
void batch_fini(struct batch *batch);

/* How many bytes of heap it holds, about. */
size_t batch_memory(const struct batch *batch);

/* Forgets the lines, keeps the memory. */
void batch_clear(struct batch *batch);

/* A place for another line, which counts when batch->count is raised; NULL with errno ENOMEM. */
struct batch_line *batch_next(struct batch *batch);

#endif
