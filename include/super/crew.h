/* SPDX-License-Identifier: ISC */
/*
 * All workers of a supervisor: a child for each slot of the scoreboard, in generations.  The newest
 * generation serves; older ones are retired and finish their clients.  One thread.
 */
#ifndef SUPER_CREW_H
#define SUPER_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"
#include "shm/shared.h"
#include "store/trouble.h"
#include "super/child.h"

struct crew {
	struct child *children;
	size_t slots;
	uint64_t generation; /* the newest one */
	struct shared *shared;
	const struct settings *settings; /* in force: how long the retired may stay */
	struct trouble forking;

	/* for forking */
	int (*in_child)(void *owner, size_t slot);
	void *owner;
	child_main *main;
	const void *context;
};

/* 0, or -1 with errno ENOMEM.  The crew's other fields are set by its owner. */
int crew_init(struct crew *crew, size_t slots);
void crew_fini(struct crew *crew);

/* How many slots have no living worker: what the next generation can have. */
size_t crew_free_slots(const struct crew *crew);

/* Wants a generation of so many workers; there must be as many free slots.  crew_run_timers() forks them. */
void crew_new_generation(struct crew *crew, size_t workers);

/* The child is dead and was still wanted: the worker that replaces it is due when its back-off allows. */
void crew_replace(struct crew *crew, struct child *child);

/* Whether all workers of the newest generation serve; whether one of them could not be started, or died young, and
 * the next try is not due yet. */
bool crew_all_ready(const struct crew *crew);
bool crew_is_held_up(const struct crew *crew);

/* Whether no worker lives. */
bool crew_is_gone(const struct crew *crew);

/* Whether this process is one of its workers. */
bool crew_has(const struct crew *crew, pid_t pid);

/* Tells all workers of older generations, or of the newest one, to retire. */
void crew_retire_older(struct crew *crew);
void crew_retire_newest(struct crew *crew);

/* Gives every worker an order, with a descriptor where fd >= 0. */
void crew_order(struct crew *crew, char order, int fd);
void crew_kill(struct crew *crew);

/*
 * With `fork_wanted` relieves the worn out and forks what is due; sees to it that retired workers keep GracefulDrainTimeout and then
 * GracefulShutdownTimeout.  Returns the milliseconds until it has to be called again, or -1.
 */
int crew_run_timers(struct crew *crew, bool fork_wanted);

/*
 * Reaps the next dead worker.  NULL when there is none; else its child and its exit status.
 */
struct child *crew_reap(struct crew *crew, int *status);

#endif
