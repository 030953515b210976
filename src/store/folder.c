/* SPDX-License-Identifier: ISC */
/* Finds or makes the log's directory. */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750 };

static int
open_existing(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Not by name: who may write beside it could have put a link there, to anything of root's. */
static int
give(const char *path, uid_t uid, gid_t gid)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -1;
	int given = fchownat(folder, "", uid, gid, AT_EMPTY_PATH);
	int saved = errno;
	close(folder);
	errno = saved;
	return given;
}

static int
make(const char *path, uid_t uid, gid_t gid)
{
	if (mkdir(path, FOLDER_MODE) == 0)
		return give(path, uid, gid);
	return errno == EEXIST ? 0 : -1;
}

/* Makes every directory on the way; the string is changed and put back. */
static int
make_all(char *path, uid_t uid, gid_t gid)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int made = make(path, uid, gid);
		*slash = '/';
		if (made != 0)
			return -1;
	}
	return make(path, uid, gid);
}

int
folder_make(const char *path, uid_t uid, gid_t gid)
{
	char *copy = *path != '\0' ? strdup(path) : NULL;
	if (copy == NULL)
		return -1;
	int made = make_all(copy, uid, gid);
	free(copy);
	return made;
}

int
folder_open(const char *path)
{
	int folder = open_existing(path);
	if (folder >= 0 || errno != ENOENT || *path == '\0')
		return folder;
	return folder_make(path, geteuid(), getegid()) == 0 ? open_existing(path) : -1;
}

void
folder_sync(int folder)
{
	int saved = errno;
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		/* Not every file system can; the file itself is synced all the same. */
		(void)fsync(fd);
		close(fd);
	}
	errno = saved;
}
