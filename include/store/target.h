/* SPDX-License-Identifier: ISC */
/* What the settings say of the log file, and what it takes to keep that: the journal's own copy. */
#ifndef STORE_TARGET_H
#define STORE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/shipping.h"
#include "store/logfile.h"
#include "store/trouble.h"

struct syncer;

enum {
	JOURNAL_SYNC_NONE = 0,
	JOURNAL_SYNC_ALWAYS = -1,
	/* n > 0: at least every n seconds while there is something to sync */
};

/* What the journals of all workers share, in memory that was mapped before the first fork. */
struct journal_world {
	struct logfile_mark *mark;
	struct troubles *troubles;
	struct shipping *shipping; /* of what is forwarded; NULL: nothing ever is */
};

struct journal_target {
	const char *dir;
	const char *name;     /* may hold conversions (core/filename.h), and has no mistakes */
	int64_t sync;         /* JOURNAL_SYNC_NONE, JOURNAL_SYNC_ALWAYS or seconds */
	int64_t rotate_bytes; /* a file that would become larger is rotated; 0: never */
	int64_t rotate_keep;  /* how many rotated files are kept: 1 or more */
	const char *spool;    /* the folder of what is to be forwarded; NULL: nothing is */
};

struct target {
	char *dir, *name, *path; /* path: dir/name, conversions and all, for messages */
	int64_t span_s;          /* for how long an expanded name holds; 0: for ever */
	struct logfile_rotation rotation;
	char *spool; /* NULL: nothing is forwarded */
	bool sync_always;
	struct syncer *syncer; /* NULL unless LogSync is seconds */
};

/* A copy, with its syncer's thread, whose trouble is told by `syncing`.  NULL with errno: no memory, or no thread. */
struct target *target_new(const struct journal_target *from, struct trouble *syncing);

/* Syncs what LogSync promised.  NULL is fine. */
void target_free(struct target *target);

#endif
