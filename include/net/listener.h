/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets.  The supervisor binds them all before the first fork; workers
 * share them.  A set is changed by one thread.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/endpoint.h"

struct listener {
	int fd;                       /* non-blocking, close-on-exec */
	char name[ENDPOINT_TEXT_MAX]; /* numeric address and real port: "127.0.0.1:43127" */
	struct endpoint endpoint;     /* what it was opened for, */
	size_t occurrence;            /* and for which of those that are the same (of port 0) */
};

struct listener_set {
	struct listener *items;
	size_t count;
};

/*
 * Binds every address that the endpoints stand for (a host name may have several).  A wildcard
 * IPv6 socket takes IPv6 only, so that 0.0.0.0 and [::] can stand side by side.  Sockets that `old` has for the same
 * endpoint are taken over as they are, with the new backlog; *old stays unchanged.  0, or -1 with every failure told in
 * `errors`, one line each, the last one's errno, and nothing left open that was not open before.
 */
int listener_open(struct listener_set *set, const struct listener_set *old,
	const struct endpoint *endpoints, size_t count, int backlog, struct buf *errors);

/* Whether the set has that very socket. */
bool listener_is_in(const struct listener_set *set, const struct listener *listener);

/* Closes the sockets of *set that *old does not have, and forgets the set. */
void listener_abandon(struct listener_set *set, const struct listener_set *old);

/* Puts `next` in the place of *set and closes the sockets that it has not taken over. */
void listener_switch(struct listener_set *set, struct listener_set *next);

/* How many clients wait to be accepted. */
size_t listener_waiting(int fd);

/* Closes this process's descriptors. */
void listener_close(struct listener_set *set);

#endif
