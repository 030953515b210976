/* SPDX-License-Identifier: ISC */
/*
 * Which daemon is meant: found by its configuration or by its scoreboard file.  Whatever is wrong is
 * said on standard error, once, and becomes a sysexits status.  One thread.
 */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "settings/load.h"
#include "shm/shared.h"

struct target {
	const char *conf;  /* -f, or the first of the usual places that is there; NULL: none */
	const char *board; /* -s, else what the configuration says; NULL: none */
	bool loaded;       /* there are settings */
	struct settings_loaded settings;
	bool attached;
	struct shared shared;
};

/* Sets up; both may be NULL. */
void target_init(struct target *target, const char *conf, const char *board);
void target_fini(struct target *target);

/* Loads the configuration, if there is one.  EX_OK, or EX_CONFIG after all its errors. */
int target_load(struct target *target);

/* Maps the scoreboard, after target_load().  EX_OK, or a status. */
int target_attach(struct target *target, bool writable);

/*
 * The pid of the daemon: of the scoreboard, or where there is none, of the PidFile.  0, having said why (*status), when it
 * does not run.
 */
pid_t target_pid(struct target *target, int *status);

#endif
