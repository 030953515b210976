/* SPDX-License-Identifier: ISC */
/*
 * The supervisor: forks the workers, replaces those that die, reloads, and carries out what
 * core/lifecycle decides.  One thread; it serves no client and takes no shared lock.
 */
#ifndef SUPER_SUPERVISOR_H
#define SUPER_SUPERVISOR_H

#include "net/listener.h"
#include "net/tls.h"
#include "settings/settings.h"
#include "shm/shared.h"
#include "super/child.h"
#include "super/errand.h"
#include "super/manager.h"
#include "super/privileges.h"
#include "super/reload.h"

struct supervisor_plan {
	struct settings *settings; /* in force; a reload changes them */
	const struct privileges *privileges;
	struct manager *manager;
	struct listener_set *listeners; /* likewise */
	struct listener_set *status;    /* likewise: of the monitor */
	const struct listener_set *passed;
	struct tls **tls; /* likewise: *tls is NULL where no Listen line wants it */
	struct shared *shared;
	child_main *child_main;
	const void *child_context;
	child_main *
		cleaner; /* for one more child: puts in order what the workers have left, if anything */
	child_main *monitor; /* shows what the daemon does, where it listens for that */
	const void *monitor_context;
	child_main *forwarder; /* ships what is stored, where Forward is set */
	const void *forwarder_context;
	errand *try_log; /* of settings: whether a worker could open it */
	reload_load *load;
	void (*ready)(void *context);    /* all workers serve */
	void (*in_child)(void *context); /* lets go of what only the supervisor may hold */
	void *context;                   /* for load, ready and in_child */
};

/* Runs until the daemon has stopped; returns the exit status (sysexits). */
int supervisor_run(const struct supervisor_plan *plan);

#endif
