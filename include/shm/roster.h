/* SPDX-License-Identifier: ISC */
/*
 * Who is connected: one place in shared memory for each thread of each worker, holding its client's
 * address.  It is what MaxConnectionsPerClient counts, so there is no counter that a killed
 * worker could leave wrong: its places are simply emptied.
 */
#ifndef SHM_ROSTER_H
#define SHM_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/address.h"

/* Stands for a client that is not known yet: no client has this address, nor a prefix of one. */
#define ROSTER_UNKNOWN                                                                             \
	{                                                                                          \
		{                                                                                  \
			255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, \
				255                                                                \
		}                                                                                  \
	}

struct roster; /* lives in shared memory, pointer-free */

size_t roster_size(size_t workers, size_t threads_per_worker);

/* Lays the roster out in roster_size() zeroed shared bytes.  0 or an error number. */
int roster_init(void *memory, size_t workers, size_t threads_per_worker);

/*
 * Takes a place of `worker` for a client and returns its number, or -1 when the worker has none free or, with
 * max_per_client > 0, when the client has that many places already (*too_many tells which).
 * Exact over all workers.  Called by a worker's accepting thread.
 */
int roster_enter(struct roster *roster, size_t worker, const struct address *client,
	size_t max_per_client, bool *too_many);

/*
 * Gives a place to the client that has turned out to be there; false when that one has max_per_client > 0 places
 * already: the place is as it was then.  As exact as roster_enter().  Called by the client's own thread.
 */
bool roster_rename(struct roster *roster, size_t worker, int place, const struct address *client,
	size_t max_per_client);

/* Gives the place back; any thread of that worker. */
void roster_leave(struct roster *roster, size_t worker, int place);

/* Empties all places of a worker that is dead. */
void roster_bury(struct roster *roster, size_t worker);

/* How many places of a worker are taken; how many places each worker has. */
size_t roster_clients(const struct roster *roster, size_t worker);
size_t roster_places(const struct roster *roster);

#endif
