/* SPDX-License-Identifier: ISC */
/* The directory that the log file stands in. */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <sys/types.h>

/*
 * Opens a directory to look names up in (O_PATH), making it with its parents (0750) where they are
 * missing.  The descriptor, or -1 with errno.
 */
int folder_open(const char *path);

/*
 * Makes a directory with its parents (0750) where they are missing, and gives those that it makes to
 * the owner.  0, or -1 with errno.
 */
int folder_make(const char *path, uid_t uid, gid_t gid);

/* Brings the directory's names to the disk, as far as the file system can; keeps errno. */
void folder_sync(int folder);

#endif
