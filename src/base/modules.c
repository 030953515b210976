/* SPDX-License-Identifier: ISC */
/* Asks the kernel what is running. */
#include "base/modules.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#define FOLDER "lib/logcollectd"

/* Cuts the last names off.  Whether there were so many. */
static bool
cut_names(char *path, int count)
{
	for (; count > 0; count--) {
		char *slash = strrchr(path, '/');
		if (slash == NULL)
			return false;
		*slash = '\0';
	}
	return true;
}

const char *
modules_path(const char *name, char path[static MODULES_PATH_MAX])
{
	char program[MODULES_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	if (len < 0)
		return NULL;
	program[len] = '\0';
	errno = ENOENT;
	if (!cut_names(program, 2))
		return NULL;
	if (snprintf(path, MODULES_PATH_MAX, "%s/" FOLDER "/%s.so", program, name) >=
		MODULES_PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	return path;
}
