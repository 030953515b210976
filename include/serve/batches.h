/* SPDX-License-Identifier: ISC */
/*
 * The batches of a worker that are not on their way: as many as were at the same time lately.  The one that came
 * last goes first, as it is still in the processor's caches.  Any thread.
 */
#ifndef SERVE_BATCHES_H
#define SERVE_BATCHES_H

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/batch.h"

/* What a batch may keep of its memory between two uses. */
enum { BATCHES_KEEP_BYTES = 1024 * 1024 };

struct spare;

struct batches {
	pthread_mutex_t lock;
	TAILQ_HEAD(spare_list, spare) spares;
	size_t count; /* of spares, */
	size_t least; /* and how few there were since the last look */
};

void batches_init(struct batches *batches);

/* Frees the spares; none may be on its way. */
void batches_fini(struct batches *batches);

/* An empty batch, for batches_give().  NULL with errno ENOMEM. */
struct batch *batches_take(struct batches *batches);
void batches_give(struct batches *batches, struct batch *batch);

/* Frees the spares that nobody has needed since the last call; whether there were any. */
bool batches_trim(struct batches *batches);

/* Whether there are spares: then batches_trim() is to be called again. */
bool batches_any(struct batches *batches);

#endif
