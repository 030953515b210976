/* SPDX-License-Identifier: ISC */
/* The journal as the settings want it. */
#include "serve/worklog.h"

#include <errno.h>
#include <string.h>

#include "base/errlog.h"
#include "settings/forwarding.h"

/* The spool's path may be made up in `room`. */
static struct journal_target
target_of(const struct settings *settings, char room[static FORWARDING_SPOOL_BYTES])
{
	return (struct journal_target){
		.dir = settings->log_dir,
		.name = settings->log_filename,
		.sync = settings->log_sync,
		.rotate_bytes = settings->log_rotate_bytes,
		.rotate_keep = settings->log_rotate_keep,
		.spool = forwarding_spool(settings, room),
	};
}

/* With a journal, as soon as something is to be stored.  0 or an errno. */
static int
open_journal(struct worklog *worklog, const struct settings *settings)
{
	char room[FORWARDING_SPOOL_BYTES];
	const struct journal_target target = target_of(settings, room);
	int error = 0;
	worklog->world->journal = journal_new(&target, &worklog->shared, &error);
	return worklog->world->journal == NULL ? errno : error;
}

void
worklog_follow(struct worklog *worklog, const struct settings *settings)
{
	char room[FORWARDING_SPOOL_BYTES];
	const struct journal_target target = target_of(settings, room);
	if (!settings->policy.persist)
		return;
	if (worklog->world->journal == NULL)
		open_journal(worklog, settings);
	else if (journal_retarget(worklog->world->journal, &target) < 0)
		errlog_error("cannot change the log's target: %s", strerror(errno));
}

static void
report_waits(struct worklog *worklog, const struct journal *journal)
{
	uint64_t waits = journal_lock_waits(journal);
	scoreboard_add(worklog->world->scoreboard, worklog->world->worker, COUNT_LOCK_WAITS,
		waits - worklog->lock_waits);
	worklog->lock_waits = waits;
}

/* Tells how far the journal has come; a file that could not be opened as asked is tried again. */
void
worklog_report(struct worklog *worklog)
{
	const struct conn_world *world = worklog->world;
	struct journal *journal = world->journal;
	uint64_t reached = worklog->asked;
	if (journal != NULL) {
		if (journal_generation(journal) < worklog->asked)
			journal_reopen(journal, worklog->asked);
		reached = journal_generation(journal);
		report_waits(worklog, journal);
	}
	worklog->behind = reached < worklog->asked;
	if (worklog->reported == reached && !worklog->behind)
		return;
	int error = worklog->behind ? journal_open_error(journal) : 0;
	scoreboard_set_log(world->scoreboard, world->worker, worklog->asked,
		worklog->behind && error == 0 ? EIO : error);
	worklog->reported = reached;
}

void
worklog_reopen(struct worklog *worklog)
{
	struct board_info info;
	scoreboard_info(worklog->world->scoreboard, &info);
	worklog->asked = info.log_generation;
	worklog_report(worklog);
}

int
worklog_open(struct worklog *worklog, struct conn_world *world, const struct journal_world *shared,
	const struct settings *settings)
{
	*worklog = (struct worklog){.world = world, .shared = *shared, .reported = UINT64_MAX};
	int error = settings->policy.persist ? open_journal(worklog, settings) : 0;
	worklog_reopen(worklog);
	return error;
}

int
worklog_try(const struct settings *settings)
{
	char room[FORWARDING_SPOOL_BYTES];
	const struct journal_target target = target_of(settings, room);
	return journal_try(&target);
}

void
worklog_close(struct worklog *worklog)
{
	struct journal *journal = worklog->world->journal;
	if (journal == NULL)
		return;
	report_waits(worklog, journal);
	journal_free(journal);
	worklog->world->journal = NULL;
}
