/* SPDX-License-Identifier: ISC */
/* Everybody may make files in /dev/shm, so what is found there is looked at before it is believed. */
#include "store/markfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the path: to be raised whenever the notes change their meaning. */
enum { LAYOUT = 4, JOIN_TRIES = 10000 };

const char *
markfile_path(uid_t uid, char path[static MARKFILE_PATH_BYTES])
{
	snprintf(path, MARKFILE_PATH_BYTES, "/dev/shm/logcollectd-notes-%d.%u", LAYOUT,
		(unsigned)uid);
	return path;
}

/* Two steps: where the folder is everybody's, the kernel may forbid O_CREAT for a file that is there. */
static int
open_or_make(const char *path, uid_t uid)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST)
		return open(path, flags);
	/* A sandbox may forbid the call itself. */
	if (fd >= 0 && uid != geteuid() && fchown(fd, uid, (gid_t)-1) != 0) {
		int saved = errno;
		unlink(path);
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Its blocks are allocated: with a hole in it a full memory would be a SIGBUS at any store. */
static int
check(int fd, uid_t uid)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 022) != 0 ||
		(st.st_uid != uid && st.st_uid != geteuid())) {
		errno = EPERM;
		return -1;
	}
	errno = posix_fallocate(fd, 0, sizeof(struct logfile_mark));
	return errno == 0 ? 0 : -1;
}

/* Whoever has it keeps it locked: who finds it free knows that all that stands in it is of the dead. */
static void
join(int fd, struct logfile_mark *mark)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		mark_tidy(mark);
	/* Somebody else may be just there; nobody stays.  But do not wait for one who hangs. */
	for (int tries = JOIN_TRIES; flock(fd, LOCK_SH | LOCK_NB) != 0 && tries > 0; tries--)
		sched_yield();
}

struct logfile_mark *
markfile_map(uid_t uid)
{
	char path[MARKFILE_PATH_BYTES];
	int fd = open_or_make(markfile_path(uid, path), uid);
	if (fd < 0)
		return NULL;
	struct logfile_mark *mark = MAP_FAILED;
	if (check(fd, uid) == 0)
		mark = mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mark != MAP_FAILED) {
		join(fd, mark);
		return mark;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return NULL;
}
