/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets.  The supervisor binds them all before the first fork; workers
 * share them.  A set is changed by one thread.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stddef.h>

#include "base/buf.h"
#include "core/endpoint.h"

struct listener {
	int fd;                       /* non-blocking, close-on-exec */
	char name[ENDPOINT_TEXT_MAX]; /* numeric address and real port: "127.0.0.1:43127" */
};

struct listener_set {
	struct listener *items;
	size_t count;
};

/*
 * Binds every address that the endpoints stand for (a host name may have several).  A wildcard IPv6
 * socket takes IPv6 only, so that 0.0.0.0 and [::] can stand side by side.  0, or -1 with every
 * failure told in `errors`, one line each, the last one's errno, and nothing left open.
 */
int listener_open(struct listener_set *set, const struct endpoint *endpoints, size_t count,
	int backlog, struct buf *errors);

/* Closes this process's descriptors. */
void listener_close(struct listener_set *set);

#endif
