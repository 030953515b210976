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
#include "core/listen.h"
#include "net/local.h"

enum { LISTENER_UNTOLD = 4096 };

struct listener {
	int fd;      /* non-blocking, close-on-exec */
	bool passed; /* who has passed it keeps it open: clients may wait there */

	/* Numeric address and real port: "127.0.0.1:43127"; or unix:/path. */
	char name[ENDPOINT_TEXT_MAX];
	struct listen listen;   /* what it was opened for, */
	size_t occurrence;      /* and for which of those that are the same (of port 0) */
	struct local_file file; /* of one in the file system */
};

struct listener_set {
	struct listener *items;
	size_t count;
};

struct listener_request {
	const struct listen *listens;
	size_t count;
	int backlog;
	const struct listener_set *old;    /* what is open already, or NULL */
	const struct listener_set *passed; /* net/passed.h: what was bound for us, or NULL */
	const struct local_owner *owner;   /* of files that are made, or NULL: ours */
};

/*
 * Has a socket for every address that the Listen lines stand for (a host name may have several): one of `old` for the
 * same endpoint (and served from now on as its line says), or else one that was passed, bound to that address or by that name, or else binds one.  All get
 * the backlog.  A wildcard IPv6 socket that is bound here takes IPv6 only, so that 0.0.0.0 and [::] can stand side by
 * side.  A passed socket that no line takes is a failure: its clients would wait for ever.
 *
 * 0, or -1 with every failure told in `errors`, one line each, the last one's errno (EINVAL where a passed socket and
 * the lines do not agree), and nothing left open that was not open before.  *old and *passed stay unchanged.
 */
int listener_open(
	struct listener_set *set, const struct listener_request *request, struct buf *errors);

/* The numeric address and port that the socket is bound to, into listener->name. */
void listener_name(struct listener *listener);

/* Puts it at the set's end.  0, or -1 with errno; the descriptor is the caller's then. */
int listener_add(struct listener_set *set, const struct listener *listener);

/* Whether the set has that very socket. */
bool listener_is_in(const struct listener_set *set, const struct listener *listener);

/* Whether clients cannot find some of them any more: somebody has removed the file of a local one. */
bool listener_is_cut_off(const struct listener_set *set);

/*
 * Closes the sockets of *set that *old does not have, removes from the file system what they had there, and forgets the
 * set.
 */
void listener_abandon(struct listener_set *set, const struct listener_set *old);

/*
 * Puts `next` in the place of *set; the sockets that it has not taken over are closed and removed, files that stay get the
 * mode that `next` says.
 */
void listener_switch(struct listener_set *set, struct listener_set *next);

/*
 * How many clients wait to be accepted.  Of a socket in the file system the kernel does not tell: LISTENER_UNTOLD, as soon
 * as anybody waits there.
 */
size_t listener_waiting(int fd);

/* Closes this process's descriptors, and nothing else: others may go on listening. */
void listener_close(struct listener_set *set);

#endif
