/* SPDX-License-Identifier: ISC */
/*
 * A child that serves no client, the monitor or the forwarder.  It is forked and replaced beside the workers and is
 * none of them: no generation, readiness or drain waits for it, and whatever becomes of it they go on.  It gives
 * a sign of life now and then, and is killed when none comes.  One thread.
 */
#ifndef SUPER_ATTENDANT_H
#define SUPER_ATTENDANT_H

#include <stdbool.h>
#include <stdint.h>

#include "super/child.h"

enum {
	/* A living one is heard of every 2 seconds; one that is stopped, or turns in circles, is not. */
	ATTENDANT_SILENT_MS = 10000,
	/* One that is told to go has so long. */
	ATTENDANT_LEAVE_MS = 500,
};

struct attendant {
	struct child child;
	bool wanted;
	int64_t heard_ms; /* when it was heard of */
	int64_t looked_ms; /* when attendant_run_timers() was called: without that nobody was heard */
	int64_t leave_ms;  /* when it was told to go; 0: it was not */
	int64_t killed_ms; /* when it was killed for its silence, or for not going; 0: it was not */

	/* for forking */
	int (*in_child)(void *owner, size_t index);
	void *owner;
	child_main *main;
	const void *context;
};

/* Sets up, `role` is its name in messages; the fields for forking are the owner's to set. */
void attendant_init(struct attendant *attendant, const char *role);

/* Wants one, or none.  A living one is told to go: where one is wanted, another takes its place. */
void attendant_want(struct attendant *attendant, bool wanted);

/* Forks what is due, kills what is silent.  Returns the milliseconds until it has to be called again, or -1. */
int attendant_run_timers(struct attendant *attendant);

/* Its channel has something to be read. */
void attendant_read(struct attendant *attendant);

/* Reaps it if it has ended.  True when it has failed or was killed, but by us because it was to go. */
bool attendant_reap(struct attendant *attendant);

/* Gives it an order, with a descriptor where fd >= 0. */
void attendant_order(struct attendant *attendant, char order, int fd);

/* Tells it to go, kills it when it does not, and waits for its end: for a second at the most. */
void attendant_stop(struct attendant *attendant);

#endif
