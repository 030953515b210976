/* SPDX-License-Identifier: ISC */
/*
 * What the monitor knows: a look at the daemon as it is now, and what it has seen of it before.  Everything is read
 * without a lock.  One thread.
 */
#ifndef MONITOR_WATCH_H
#define MONITOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "figures/rates.h"
#include "figures/readiness.h"
#include "monitor/history.h"
#include "settings/settings.h"
#include "shm/shared.h"

enum { WATCH_ADDRESSES = 50 /* are shown at the most */ };

struct watch {
	const struct shared *shared;
	struct settings settings; /* in force, */
	uint64_t generation;      /* as of that generation */
	int64_t started_us;       /* when it began, wall clock */
	struct moment last;       /* at the last interval's end, without clients */
	struct rates rates;       /* in that interval */
	int64_t next_ms;          /* when the one under way ends */
	struct history history;
	struct addresses limited; /* those of which lines did not pass, */
	int64_t limited_ms;       /* as of then; 0: never looked */
};

/* One moment, in all its aspects. */
struct look {
	struct reading reading;
	int64_t watched_us; /* since when the monitor watches, wall clock */
	struct storage storage;
	struct readiness readiness;
	const struct rates *rates;       /* in the last interval */
	const struct addresses *limited; /* not older than a second; NULL: not asked for */
	size_t limited_count;            /* of these are to be shown */
};

/* The first look.  0, or -1 with errno ENOMEM. */
int watch_init(struct watch *watch, const struct shared *shared);
void watch_fini(struct watch *watch);

/* Ends the interval when that is due; returns the milliseconds until then. */
int watch_run_timers(struct watch *watch);

/* The settings in force. */
const struct settings *watch_settings(struct watch *watch);

/* Looks.  `addresses`: also at those that are limited.  0, or -1 with errno ENOMEM.  What it refers to lives as long as
 * the watch is not asked again. */
int watch_look(struct watch *watch, struct look *look, bool addresses);
void look_fini(struct look *look);

#endif
