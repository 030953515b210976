/* SPDX-License-Identifier: ISC */
/*
 * The notes of a user's daemons, in a file in memory (/dev/shm): they outlive the processes that left them as
 * long as the kernel does, no longer than what they speak of, and every daemon of the user that writes to the same
 * file finds them.  So two daemons may write to one file, and a daemon that starts mends what was torn when all
 * processes of the one before it were killed.
 */
#ifndef STORE_MARKFILE_H
#define STORE_MARKFILE_H

#include <sys/types.h>

#include "store/mark.h"

/* The length of its path, with the NUL. */
enum { MARKFILE_PATH_BYTES = 64 };

/* Where it is. */
const char *markfile_path(uid_t uid, char path[static MARKFILE_PATH_BYTES]);

/*
 * Maps it, making it for the user (0600) where it is missing, and tidies it where no other daemon has it; to be called
 * by root or the user, before the first fork.  It stays mapped, and its descriptor open in all processes, to the end.  NULL with errno; EPERM: what stands there is not the user's own.
 */
struct logfile_mark *markfile_map(uid_t uid);

#endif
