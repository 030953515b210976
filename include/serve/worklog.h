/* SPDX-License-Identifier: ISC */
/*
 * A worker's journal and the settings: which file, when it is made at all, when it is opened anew,
 * and what the board is told of it.
 */
#ifndef SERVE_WORKLOG_H
#define SERVE_WORKLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/conn.h"
#include "settings/settings.h"
#include "store/target.h"

struct worklog {
	struct conn_world *world;    /* holds the journal */
	struct journal_world shared; /* by all journals */
	uint64_t asked;              /* the log generation that the supervisor wants */
	uint64_t reported;           /* the one that the board tells; UINT64_MAX: none yet */
	bool behind;                 /* it could not be reached: to be tried again */
	uint64_t lock_waits;         /* of the journal, as far as they are counted */
};

/*
 * Opens the log, when anything is to be stored.  0, or an errno: without a journal (world->journal is NULL)
 * there was no memory or no thread for it; with one the file could not be opened yet.
 */
int worklog_open(struct worklog *worklog, struct conn_world *world,
	const struct journal_world *shared, const struct settings *settings);

/* Whether the log of these settings could be opened: 0 or an errno.  Asked of no worklog. */
int worklog_try(const struct settings *settings);

/* No append may be under way. */
void worklog_close(struct worklog *worklog);

/* Other settings are to hold; one caller at a time. */
void worklog_follow(struct worklog *worklog, const struct settings *settings);

/* The supervisor has asked for another opening of the log, as the board says. */
void worklog_reopen(struct worklog *worklog);

/* Tells the board what has changed since; to be called now and then. */
void worklog_report(struct worklog *worklog);

#endif
