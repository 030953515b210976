/* SPDX-License-Identifier: ISC */
/*
 * Who has a file: POSIX locks belong to a process, are not inherited over fork, and end with it,
 * however it ends.  So a file is held by a living process or by none, and no pid has to be believed.
 */
#include "shm/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAGIC_MAX = 16 };

int
claim_hold(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_SETLK, &lock);
}

pid_t
claim_holder(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	/* A process of another PID namespace has no number here: two containers may share a volume. */
	return lock.l_pid > 0 ? lock.l_pid : SHARED_UNSEEN;
}

bool
claim_is_file(int fd, const char *file)
{
	struct stat here, there;
	return fstat(fd, &here) == 0 && lstat(file, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

enum shared_result
claim_result(void)
{
	return errno == EACCES || errno == EPERM ? SHARED_NO_PERMISSION : SHARED_ERROR;
}

static bool
is_leftover(int fd, struct slice magic)
{
	char begin[MAGIC_MAX];
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_size == 0 ||
		       (pread(fd, begin, magic.len, 0) == (ssize_t)magic.len &&
			       slice_equal((struct slice){begin, magic.len}, magic)));
}

/* Replaces what is there; `*again` where somebody else was quicker. */
static enum shared_result
replace(const char *name, const char *file, struct slice magic, pid_t *pid, bool *again)
{
	int old = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (old < 0) {
		*again = errno == ENOENT;
		return claim_result();
	}
	enum shared_result result = SHARED_OK;
	if (!is_leftover(old, magic)) {
		result = SHARED_NOT_A_BOARD;
	} else if (claim_hold(old) < 0) {
		*pid = claim_holder(old);
		*again = *pid == 0;
		result = SHARED_RUNNING;
	} else if (!claim_is_file(old, file)) {
		*again = true;
	} else if (rename(name, file) < 0) {
		result = claim_result();
	}
	close(old);
	return result;
}

enum shared_result
claim_name(const char *name, const char *file, struct slice magic, pid_t *pid)
{
	enum shared_result result;
	bool again;
	do {
		again = false;
		if (link(name, file) == 0) {
			unlink(name);
			return SHARED_OK;
		}
		result = errno == EEXIST ? replace(name, file, magic, pid, &again) : claim_result();
	} while (again);
	int saved = errno;
	if (result != SHARED_OK)
		unlink(name);
	errno = saved;
	return result;
}
