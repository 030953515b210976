/* SPDX-License-Identifier: ISC */
/*
 * Renames from the highest number down, so that no rename but the last one changes what path
 * is, and none replaces a file that is to be kept.
 */
#include "store/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"
#include "store/folder.h"

enum { NUMBERED_BYTES = 512 }; /* a name and its number; a longer one no file system has */

struct series {
	int folder;
	const char *name; /* in it; its number is 0 */
};

static void
print_name(const struct series *series, int64_t number, char out[static NUMBERED_BYTES])
{
	if (number == 0)
		snprintf(out, NUMBERED_BYTES, "%s", series->name);
	else
		snprintf(out, NUMBERED_BYTES, "%s.%" PRId64, series->name, number);
}

static bool
exists(const struct series *series, int64_t number)
{
	char name[NUMBERED_BYTES];
	struct stat st;
	print_name(series, number, name);
	/* In doubt it does: what cannot be seen is not replaced. */
	return fstatat(series->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* From the top down: who is killed here leaves no gap. */
static void
remove_beyond(const struct series *series, int64_t keep)
{
	char name[NUMBERED_BYTES];
	int64_t top = keep;
	while (top - keep < ROTATE_KEEP_MAX && exists(series, top + 1))
		top++;
	for (; top > keep; top--) {
		print_name(series, top, name);
		(void)unlinkat(series->folder, name, 0);
	}
}

static int
move(const struct series *series, int64_t from)
{
	char old[NUMBERED_BYTES], new[NUMBERED_BYTES];
	print_name(series, from, old);
	print_name(series, from + 1, new);
	if (renameat(series->folder, old, series->folder, new) == 0)
		return 0;
	/* Somebody may remove old files at the same time. */
	return errno == ENOENT && from > 0 ? 0 : -1;
}

static int
shift(const struct series *series, int64_t keep)
{
	int64_t free_number = 1;
	while (free_number < keep && exists(series, free_number))
		free_number++;
	for (int64_t from = free_number - 1; from >= 0; from--) {
		if (move(series, from) != 0)
			return -1;
	}
	return 0;
}

/* The folder that the path's last name stands in. */
static int
open_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, (size_t)(slash - path) + 1);
	if (dir == NULL)
		return -1;
	int folder = folder_open(dir);
	int saved = errno;
	free(dir);
	errno = saved;
	return folder;
}

int
rotate_shift(const char *path, int64_t keep)
{
	/* Where no descriptor is left for this, none would be left for the new file either. */
	struct series series = {open_folder_of(path), strrchr(path, '/') + 1};
	if (series.folder < 0)
		return -1;
	remove_beyond(&series, keep);
	/* Its last rename is the end: then another process may have the next file, and rotate it. */
	int result = shift(&series, keep);
	int saved = errno;
	close(series.folder);
	errno = saved;
	return result;
}
