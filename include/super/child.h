/* SPDX-License-Identifier: ISC */
/*
 * One worker process, or the monitor, as its supervisor sees it, and the words that pass between the two over a socket
 * pair.  End-of-file, because the supervisor is gone, means the same to a worker as CHILD_DRAIN.
 */
#ifndef SUPER_CHILD_H
#define SUPER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/lifecycle.h"

struct child {
	const char *role; /* for messages: "worker" */
	pid_t pid;        /* 0: none */
	int channel;      /* our end; -1: none */
	bool wanted; /* a worker is to live in this slot: without one, it is forked when due.  Not, or
	                no longer, for one that only serves its clients to their end */
	bool ready;
	bool worn_out;       /* it would like to be relieved */
	uint64_t generation; /* of workers */
	int64_t born_ms;
	int64_t respawn_ms; /* when the next one is due */
	int64_t retired_ms; /* since when it accepts no more; 0: it does */
	bool draining;      /* it was told to finish */
	unsigned owed;      /* orders that its channel had no room for, a bit each */
	struct backoff backoff;
};

/* What a forked child runs; returns the exit status. */
typedef int child_main(const void *context, size_t index, int channel);

/*
 * Forks a child.  `in_child` runs first in it (to let go of what it must not keep) and may
 * refuse with a status other than 0; then `main`.  0, or -1 with errno.  Only from a
 * single-threaded process.
 */
int child_start(struct child *child, size_t index, int64_t now_ms,
	int (*in_child)(void *owner, size_t index), void *owner, child_main *main,
	const void *context);

/*
 * Gives the child an order (core/order.h); it may be gone already.  With fd >= 0 it gets a copy of that
 * descriptor.  An order that does not fit, because the child does not read, is owed to it.
 */
void child_order(struct child *child, char order, int fd);

/* Gives it again what is owed; whether anything still is. */
bool child_repeat_orders(struct child *child, int fd);

/*
 * Reaps the child if it has ended; logs why, calling it `name`, unless it ended with status 0 or there is no name.
 * True when it has; *status is its exit status, or 128 + signal.
 */
bool child_reap(struct child *child, const char *name, int *status);

/* Closes our end. */
void child_forget(struct child *child);

#endif
