/* SPDX-License-Identifier: ISC */
/* The notes that outlive their daemon: whose they are, and who finds them. */
#include "store/markfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/tap.h"

enum { NOBODY = 65534, SKIPPED = 77 };

/* Runs the case in a process that has a /dev/shm of its own; its outcome is that of the case. */
static void
in_private_shm(int (*run)(const char *path, uid_t uid))
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		char path[MARKFILE_PATH_BYTES];
		uid_t uid = geteuid();
		if (unshare(CLONE_NEWNS) != 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			mount("none", "/dev/shm", "tmpfs", 0, "mode=1777,size=1m") != 0)
			_exit(SKIPPED);
		_exit(run(markfile_path(uid, path), uid));
	}
	int status;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("# skipped: needs root and namespaces\n");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("# line %d: %s\n", __LINE__, #condition);                           \
			fflush(stdout);                                                            \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int
found_again(const char *path, uid_t uid)
{
	struct stat st;
	struct logfile_mark *first = markfile_map(uid);
	NEED(first != NULL);
	NEED(stat(path, &st) == 0 && st.st_mode == (S_IFREG | 0600) && st.st_uid == uid);
	NEED(!mark_any(first));
	mark_begin(first, 4710, 5, 100);
	munmap(first, sizeof *first);
	struct logfile_mark *second = markfile_map(uid);
	NEED(second != NULL);
	NEED(mark_find(second, 4710) == 5);
	return 0;
}

/* Four that died at files that hash alike; as long as somebody has the notes they stay. */
static int
tidied_when_alone(const char *path, uid_t uid)
{
	(void)path;
	pid_t child = fork();
	if (child == 0) {
		struct logfile_mark *mark = markfile_map(uid);
		for (uint64_t n = 0; mark != NULL && n < MARK_GROUP_NOTES; n++)
			mark_begin(mark, 14 + 2 * n * MARK_GROUPS, 5, 10);
		struct logfile_mark *second = markfile_map(uid);
		_exit(second != NULL && mark_find(second, 14) == 5 ? 0 : 1);
	}
	int status;
	NEED(waitpid(child, &status, 0) == child && status == 0);
	struct logfile_mark *mark = markfile_map(uid);
	NEED(mark != NULL && mark_find(mark, 14) == -1);
	return 0;
}

/* Root's daemon has workers of another user, whose other daemons find the same notes. */
static int
of_a_user(const char *path, uid_t uid)
{
	(void)path, (void)uid;
	struct logfile_mark *roots = markfile_map(NOBODY);
	NEED(roots != NULL);
	mark_begin(roots, 4710, 5, 100);
	NEED(markfile_map(NOBODY) != NULL);
	NEED(setuid(NOBODY) == 0);
	struct logfile_mark *users = markfile_map(NOBODY);
	NEED(users != NULL);
	NEED(mark_find(users, 4710) == 5);
	return 0;
}

/* What another user has put there is not believed. */
static int
not_ours(const char *path, uid_t uid)
{
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	NEED(fd >= 0 && fchown(fd, NOBODY, NOBODY) == 0);
	NEED(markfile_map(uid) == NULL && errno == EPERM);
	NEED(fchown(fd, uid, 0) == 0 && fchmod(fd, 0666) == 0);
	NEED(markfile_map(uid) == NULL && errno == EPERM);
	NEED(unlink(path) == 0 && symlink("/etc/passwd", path) == 0);
	NEED(markfile_map(uid) == NULL && errno == ELOOP);
	NEED(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	NEED(markfile_map(uid) == NULL && errno == EPERM);
	NEED(unlink(path) == 0 && markfile_map(uid) != NULL);
	return 0;
}

static int
no_memory(const char *path, uid_t uid)
{
	int ballast = open("/dev/shm/ballast", O_CREAT | O_RDWR, 0600);
	NEED(ballast >= 0 && posix_fallocate(ballast, 0, 1 << 20) == 0);
	NEED(markfile_map(uid) == NULL && errno == ENOSPC);
	NEED(ftruncate(ballast, 0) == 0);
	NEED(markfile_map(uid) != NULL);
	(void)path;
	return 0;
}

static void
are_found_again(void)
{
	in_private_shm(found_again);
}

static void
are_tidied(void)
{
	in_private_shm(tidied_when_alone);
}

static void
belong_to_a_user(void)
{
	in_private_shm(of_a_user);
}

static void
are_not_ours(void)
{
	in_private_shm(not_ours);
}

static void
have_no_memory(void)
{
	in_private_shm(no_memory);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"notes are found by the next daemon", are_found_again},
		{"notes that are in the way are freed by who comes first", are_tidied},
		{"notes belong to a user", belong_to_a_user},
		{"what is not the user's own is refused", are_not_ours},
		{"no memory for it", have_no_memory},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("markfile", cases);
}
