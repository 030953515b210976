/* SPDX-License-Identifier: ISC */
/*
 * Where modules lie: ../lib/logcollectd beside the folder of the program that runs, wherever both were installed.  Nothing is
 * built in, and no environment variable can name another place.
 */
#ifndef BASE_MODULES_H
#define BASE_MODULES_H

enum { MODULES_PATH_MAX = 4096 };

/* The path of the module of that name, which need not be there.  path, or NULL with errno. */
const char *modules_path(const char *name, char path[static MODULES_PATH_MAX]);

#endif
