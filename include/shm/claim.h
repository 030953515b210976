/* SPDX-License-Identifier: ISC */
/*
 * Claiming a file for one living process: part of shm/shared.h, with its results.  The holder must not open
 * and close the file a second time: that would end its hold.
 */
#ifndef SHM_CLAIM_H
#define SHM_CLAIM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"
#include "shm/shared.h"

/* Holds the open file for this process, until it closes it or ends.  0, or -1 with errno. */
int claim_hold(int fd);

/* The process that holds it, if it is another one: its pid or SHARED_UNSEEN; 0: none. */
pid_t claim_holder(int fd);

/* Whether the path still names this file. */
bool claim_is_file(int fd, const char *file);

/*
 * Gives a file, made and held under `name`, its real name.  What stands there is replaced if nobody holds it and it is
 * empty or begins with `magic`; it is held meanwhile, so that of two that come at once one comes second.
 * Results: OK, RUNNING (*pid), NOT_A_BOARD, NO_PERMISSION, ERROR; but for OK, `name` is removed.
 */
enum shared_result claim_name(const char *name, const char *file, struct slice magic, pid_t *pid);

/* What errno means: NO_PERMISSION or ERROR. */
enum shared_result claim_result(void);

#endif
