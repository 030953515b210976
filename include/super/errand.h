/* SPDX-License-Identifier: ISC */
/*
 * A question that only a worker could answer, because it has other privileges, and that must not hold up the
 * supervisor: a child asks it and is not waited for for long.
 */
#ifndef SUPER_ERRAND_H
#define SUPER_ERRAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "super/privileges.h"

/* The most that wait for dead disks at the same time. */
enum { ERRANDS_LOST_MAX = 8 };

/* Zeroed: there was none. */
struct errands {
	pid_t lost
		[ERRANDS_LOST_MAX]; /* were killed for being late and have not yet ended; 0: none */
};

/* Returns 0 or an errno. */
typedef int errand(const void *context);

/*
 * Runs it in a child with these privileges, or NULL for our own, and none of our descriptors but the standard ones.  What it has returned;
 * ETIMEDOUT after wait_ms, when it is killed, and at once as long as too many of those have not ended.  -1 with errno:
 * there was no child to be had, or somebody else has killed it (EINTR).  Only from a single-threaded process.
 */
int errand_run(struct errands *errands, const struct privileges *privileges, errand *run,
	const void *context, int wait_ms);

/* Reaps those that were lost and have ended: to be called on SIGCHLD. */
void errand_reap(struct errands *errands);

/* Whether it is one of those that errand_reap() waits for. */
bool errand_is_lost(const struct errands *errands, pid_t pid);

#endif
