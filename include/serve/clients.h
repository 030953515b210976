/* SPDX-License-Identifier: ISC */
/*
 * The clients of a worker and their threads.  The accepting thread starts clients; each thread
 * serves its own to the end and cleans up after it.
 */
#ifndef SERVE_CLIENTS_H
#define SERVE_CLIENTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "serve/arrival.h"
#include "serve/conn.h"
#include "shm/roster.h"

struct client;

struct clients {
	const struct conn_world *world;
	struct roster *roster; /* shared */
	size_t most;           /* ThreadsPerWorker, or what descriptors allow */
	int wakeup;            /* eventfd: somebody has left while it matters */
	pthread_attr_t thread_attributes;
	atomic_size_t threads;
	pthread_mutex_t lock; /* of the list: a client is in it as long as its socket is open */
	LIST_HEAD(, client) list;
	size_t listed;
	LIST_HEAD(, client) over; /* whose threads have to be joined; same lock */
};

/* 0, or -1 with errno.  The world must outlive all threads. */
int clients_init(struct clients *clients, const struct conn_world *world, struct roster *roster,
	size_t most);

/* Only when clients_count() is 0. */
void clients_fini(struct clients *clients);

/* Frees what clients that have left still hold; to be called now and then by the accepting thread. */
void clients_reap(struct clients *clients);

/* How many there are; whether there is a thread for another one. */
size_t clients_count(struct clients *clients);
bool clients_are_full(struct clients *clients);

/*
 * Serves an accepted client in a thread of its own; `place` is the one that it has in the roster. 0, or
 * -1 when there is no memory for it: socket and place are still the caller's.
 */
int clients_start(struct clients *clients, const struct arrival *arrival, int place);

/* Every client is read no further than what has arrived. */
void clients_stop_reading(struct clients *clients);

#endif
