/* SPDX-License-Identifier: ISC */
/* Spares are taken and given at the head, freed at the tail. */
#include "serve/batches.h"

#include <stdlib.h>

struct spare {
	struct batch batch; /* first: a batch is its spare */
	TAILQ_ENTRY(spare) link;
};

void
batches_init(struct batches *batches)
{
	*batches = (struct batches){.count = 0};
	TAILQ_INIT(&batches->spares);
	/* Held for a few instructions only. */
	pthread_mutexattr_t adaptive;
	pthread_mutexattr_init(&adaptive);
	pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&batches->lock, &adaptive);
	pthread_mutexattr_destroy(&adaptive);
}

static void
free_spare(struct spare *spare)
{
	batch_fini(&spare->batch);
	free(spare);
}

/* Under the lock. */
static struct spare *
remove_spare(struct batches *batches, struct spare *spare)
{
	if (spare == NULL)
		return NULL;
	TAILQ_REMOVE(&batches->spares, spare, link);
	batches->count--;
	if (batches->count < batches->least)
		batches->least = batches->count;
	return spare;
}

void
batches_fini(struct batches *batches)
{
	struct spare *spare, *next;
	TAILQ_FOREACH_SAFE(spare, &batches->spares, link, next)
	free_spare(spare);
	pthread_mutex_destroy(&batches->lock);
}

struct batch *
batches_take(struct batches *batches)
{
	pthread_mutex_lock(&batches->lock);
	struct spare *spare = remove_spare(batches, TAILQ_FIRST(&batches->spares));
	pthread_mutex_unlock(&batches->lock);
	if (spare == NULL)
		spare = calloc(1, sizeof *spare);
	return spare == NULL ? NULL : &spare->batch;
}

void
batches_give(struct batches *batches, struct batch *batch)
{
	struct spare *spare = (struct spare *)(void *)batch;
	if (batch_memory(batch) > BATCHES_KEEP_BYTES)
		batch_fini(batch);
	pthread_mutex_lock(&batches->lock);
	TAILQ_INSERT_HEAD(&batches->spares, spare, link);
	batches->count++;
	pthread_mutex_unlock(&batches->lock);
}

bool
batches_trim(struct batches *batches)
{
	pthread_mutex_lock(&batches->lock);
	size_t idle = batches->least;
	batches->least = batches->count - idle;
	pthread_mutex_unlock(&batches->lock);
	for (size_t i = 0; i < idle; i++) {
		pthread_mutex_lock(&batches->lock);
		struct spare *spare = remove_spare(
			batches, TAILQ_LAST(&batches->spares, spare_list));
		pthread_mutex_unlock(&batches->lock);
		if (spare != NULL)
			free_spare(spare);
	}
	return idle > 0;
}

bool
batches_any(struct batches *batches)
{
	pthread_mutex_lock(&batches->lock);
	bool any = batches->count > 0;
	pthread_mutex_unlock(&batches->lock);
	return any;
}
