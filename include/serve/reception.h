/* SPDX-License-Identifier: ISC */
/*
 * Where a worker's clients come in: one after the other from the shared sockets, each to a thread of its
 * own, to `access denied`, or, when no worker has a thread for it within a bounded wait, to
 * `server busy`.  One thread.
 */
#ifndef SERVE_RECEPTION_H
#define SERVE_RECEPTION_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/listener.h"
#include "serve/clients.h"
#include "serve/door.h"
#include "shm/shared.h"

struct reception {
	const struct conn_world *world;
	const struct shared *shared;
	struct listener_set *listeners;
	struct clients *clients;
	struct door door;
	int64_t full_since_ms; /* -1: there is a thread for another client */
	bool waited_busy;      /* a client has waited at a full worker for one tick already */
	int64_t accepted;      /* connections served so far */
};

/* 0, or -1 with errno. */
int reception_open(struct reception *reception, const struct conn_world *world,
	const struct shared *shared, struct listener_set *listeners, struct clients *clients);
void reception_close(struct reception *reception);

/* Prepares one pollfd for each listener: to be waited for, unless nobody can be served now. */
void reception_prepare(struct reception *reception, struct pollfd *polls);

/* What lingers is looked after.  How long the loop may wait at most, in milliseconds, or -1. */
int reception_tick(struct reception *reception);

/* One round after the wait: one client a listener that is ready, the rest is left to the other workers. */
void reception_round(struct reception *reception, const struct pollfd *polls);

/*
 * Takes the clients whose connections the kernel has completed: they may have sent lines already, and a
 * listener that is closed for good takes them along, unless it was passed.  Not those that come meanwhile.
 */
void reception_accept_waiting(struct reception *reception);

#endif
