/* SPDX-License-Identifier: ISC */
/*
 * A worker's copies of the settings in force.  The supervisor publishes settings with a generation
 * number in shared memory; a connection compares the number once a batch, and where it has
 * changed takes the new copy, which the first one to ask reads for all.  A copy lives as
 * long as somebody refers to it.  (Ownership by reference count, as hitch swaps certificates.)
 */
#ifndef SERVE_VIEW_H
#define SERVE_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "shm/published.h"

struct view {
	struct settings settings;
	uint64_t generation;
	size_t references; /* guarded by the desk's lock */
};

/*
 * Is told of new settings before anyone gets them, with the lock held: what it sets in order (the journal's file)
 * is in order for the first line that is judged by them.
 */
typedef void view_changed(void *context, const struct settings *settings);

struct view_desk {
	const struct published *published; /* shared */
	pthread_mutex_t lock;
	struct view *current;
	view_changed *changed;
	void *context;
};

/* Reads the first copy; `changed` is not called for it.  0, or -1 with errno ENOMEM. */
int view_open(struct view_desk *desk, const struct published *published, view_changed *changed,
	void *context);

/* No view may be held any more. */
void view_close(struct view_desk *desk);

/* Whether newer settings are published than these.  Any thread; costs one load. */
bool view_is_stale(const struct view_desk *desk, const struct view *view);

/*
 * The settings in force, to be given back with view_put().  Where there is no memory for new ones, the
 * old ones once more.  Any thread.
 */
const struct view *view_get(struct view_desk *desk);
void view_put(struct view_desk *desk, const struct view *view);

#endif
