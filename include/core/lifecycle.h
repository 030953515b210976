/* SPDX-License-Identifier: ISC */
/*
 * The supervisor's life as a table of state x event -> actions.  It is told what happened
 * and says what to do; it forks nothing, kills nothing and asks no clock.
 * (Supervision as a table is s6's idea.)  Pure, one thread.
 */
#ifndef CORE_LIFECYCLE_H
#define CORE_LIFECYCLE_H

#include <stdint.h>

enum lifecycle_state {
	LIFECYCLE_STARTING, /* workers are forked, not all have said that they are ready */
	LIFECYCLE_RUNNING,
	LIFECYCLE_RELOADING, /* a new generation of workers starts beside the one that serves */
	LIFECYCLE_DRAINING,  /* workers finish what has arrived */
	LIFECYCLE_KILLING,   /* workers were killed; waiting to reap them */
	LIFECYCLE_OVER,
	LIFECYCLE_STATES
};

enum lifecycle_event {
	EVENT_ALL_READY,  /* every worker of the newest generation has reported that it serves */
	EVENT_CHILD_DIED, /* a worker of the newest generation ended; others may be left */
	EVENT_CHILD_HOPELESS, /* a worker ended saying that none can ever start: EX_CONFIG and the like */
	EVENT_LAST_DIED,      /* no worker is left; told only while stopping */
	EVENT_STOP,           /* TERM or INT */
	EVENT_DEADLINE,       /* GracefulShutdownTimeout has passed since draining began */
	EVENT_RELOAD,         /* HUP */
	EVENT_NEW_GENERATION, /* a reload has asked for new workers */
	EVENT_HELD_UP, /* a reload is postponed, and a worker of the newest generation does not start */
	EVENT_REOPEN, /* USR1 */
	LIFECYCLE_EVENTS
};

/* A set of these, to be carried out in this order. */
enum lifecycle_action {
	ACTION_ANNOUNCE = 1 << 0,        /* say where we listen */
	ACTION_RETIRE = 1 << 1,          /* tell older workers to finish their clients and go */
	ACTION_RESPAWN = 1 << 2,         /* replace the dead worker when its back-off allows */
	ACTION_CLOSE_LISTENERS = 1 << 3, /* no new clients */
	ACTION_DRAIN = 1 << 4,           /* tell every worker to finish; set the deadline */
	ACTION_KILL = 1 << 5,            /* SIGKILL to every worker */
	ACTION_REOPEN = 1 << 6,          /* tell every worker to open the log anew */
	ACTION_RELOAD = 1 << 7,          /* load, check, publish, reopen; EVENT_NEW_GENERATION? */
	ACTION_POSTPONE = 1 << 8,        /* remember that a reload was asked for */
	ACTION_RESUME = 1 << 9,          /* EVENT_RELOAD, if one was postponed */
	ACTION_EXIT = 1 << 10,           /* leave the loop */
};

struct lifecycle {
	enum lifecycle_state state;
};

/* Begins in LIFECYCLE_STARTING. */
void lifecycle_init(struct lifecycle *lifecycle);

/* Moves on and returns the set of enum lifecycle_action to carry out. */
unsigned lifecycle_step(struct lifecycle *lifecycle, enum lifecycle_event event);

/* How long the replacement of one worker has to wait. */
struct backoff {
	uint32_t young_deaths; /* in a row */
};

/*
 * A worker that lived for lived_ms has died: returns the milliseconds to wait before its
 * replacement is forked.  0 for one that had lived a second; else doubling from 100 ms to 30 s, where the
 * first young death is free.  A life of a minute forgets the past.
 */
int64_t backoff_after_death(struct backoff *backoff, int64_t lived_ms);

#endif
