/* SPDX-License-Identifier: ISC */
/* Copies of what the settings say of the log file. */
#include "store/target.h"

#include <errno.h>

#include "core/filename.h"
#include "store/syncer.h"

/* 0, or -1 with errno; whatever was made is in the target for target_free(). */
static int
copy(struct target *target, const struct journal_target *from, struct trouble *syncing)
{
	target->dir = strdup(from->dir);
	target->name = strdup(from->name);
	target->spool = from->spool != NULL ? strdup(from->spool) : NULL;
	if (target->dir == NULL || target->name == NULL ||
		(from->spool != NULL && target->spool == NULL))
		return -1;
	if (asprintf(&target->path, "%s/%s", from->dir, from->name) < 0) {
		target->path = NULL;
		return -1;
	}
	if (from->sync > 0)
		target->syncer = syncer_new(target->path, from->sync, syncing);
	return from->sync > 0 && target->syncer == NULL ? -1 : 0;
}

struct target *
target_new(const struct journal_target *from, struct trouble *syncing)
{
	struct target *target = calloc(1, sizeof *target);
	if (target == NULL)
		return NULL;
	target->span_s = filename_span_s(from->name);
	target->sync_always = from->sync == JOURNAL_SYNC_ALWAYS;
	target->rotation = (struct logfile_rotation){from->rotate_bytes, from->rotate_keep};
	if (copy(target, from, syncing) == 0)
		return target;
	int saved = errno;
	target_free(target);
	errno = saved;
	return NULL;
}

void
target_free(struct target *target)
{
	if (target == NULL)
		return;
	if (target->syncer != NULL)
		syncer_free(target->syncer);
	free(target->dir);
	free(target->name);
	free(target->path);
	free(target->spool);
	free(target);
}
