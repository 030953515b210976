/* SPDX-License-Identifier: ISC */
/*
 * One worker process as its supervisor sees it.  The two hold the ends of a socket pair. A byte
 * from the child is a sysexits status: EX_OK when it serves, another when it serves but has found
 * something that makes starting the daemon pointless.  A byte to the child, or end-of-file
 * because the supervisor is gone, means: drain and exit.
 */
#ifndef SUPER_CHILD_H
#define SUPER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/lifecycle.h"

struct child {
	pid_t pid;   /* 0: none */
	int channel; /* our end; -1: none */
	bool ready;
	int64_t born_ms;
	int64_t respawn_ms; /* when to fork the next one; matters while pid is 0 */
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

/* Tells the child to drain. */
void child_drain(struct child *child);

/*
 * Reaps the child if it has ended; logs why unless it ended with status 0.  True when it has;
 * *status is its exit status, or 128 + signal.
 */
bool child_reap(struct child *child, size_t index, int *status);

/* Closes our end. */
void child_forget(struct child *child);

#endif
