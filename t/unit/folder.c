/* SPDX-License-Identifier: ISC */
/* The log's directory is found or made. */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "unit/tap.h"

/* Runs in an empty directory of its own. */
static int
try(const char *path)
{
	int folder = folder_open(path);
	int error = folder < 0 ? errno : 0;
	if (folder >= 0)
		close(folder);
	return error;
}

static void
parents(void)
{
	umask(0);
	CU_ASSERT_EQUAL(try("a/b//c/"), 0);
	struct stat st;
	CU_ASSERT_EQUAL(stat("a/b/c", &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0750);
	CU_ASSERT_EQUAL(stat("a", &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0750);
	CU_ASSERT_EQUAL(try("a/b/c"), 0);
	CU_ASSERT_EQUAL(try("./a/d"), 0);
	CU_ASSERT_EQUAL(try("."), 0);
	CU_ASSERT_EQUAL(try("/"), 0);
}

static void
absolute(void)
{
	char path[4096 + 16];
	CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(path, 4096));
	size_t len = strlen(path);
	snprintf(path + len, sizeof path - len, "/x/y");
	CU_ASSERT_EQUAL(try(path), 0);
	CU_ASSERT_EQUAL(access("x/y", F_OK), 0);
}

static void
in_the_way(void)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(try("file"), ENOTDIR);
	CU_ASSERT_EQUAL(try("file/below"), ENOTDIR);
	CU_ASSERT_EQUAL(try(""), ENOENT);
	CU_ASSERT_EQUAL(symlink("nowhere", "dangling"), 0);
	CU_ASSERT_NOT_EQUAL(try("dangling"), 0);
}

/*
 * In the C library's place: "swapped/logs" is a link to what is somebody else's as soon as it is
 * made.
 */
int
mkdir(const char *path, mode_t mode)
{
	int result = mkdirat(AT_FDCWD, path, mode);
	if (result == 0 && strcmp(path, "swapped/logs") == 0) {
		CU_ASSERT_EQUAL(rmdir(path), 0);
		CU_ASSERT_EQUAL(symlink("../victim", path), 0);
	}
	return result;
}

static void
owner(void)
{
	if (geteuid() != 0)
		return;
	struct stat st;
	CU_ASSERT_EQUAL(folder_make("given/logs", 4711, 4712), 0);
	CU_ASSERT_EQUAL(stat("given/logs", &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 4711);
	CU_ASSERT_EQUAL(st.st_gid, 4712);

	CU_ASSERT_EQUAL(mkdir("victim", 0700), 0);
	CU_ASSERT_NOT_EQUAL(folder_make("swapped/logs", 4711, 4712), 0);
	CU_ASSERT_EQUAL(stat("victim", &st), 0);
	CU_ASSERT_EQUAL(st.st_uid, 0);
}

static void
syncing_keeps_errno(void)
{
	int folder = folder_open("a");
	errno = EXDEV;
	folder_sync(folder);
	CU_ASSERT_EQUAL(errno, EXDEV);
	folder_sync(-1);
	CU_ASSERT_EQUAL(errno, EXDEV);
	close(folder);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"made with its parents", parents},
		{"absolute paths", absolute},
		{"something else is in the way", in_the_way},
		{"given to its owner, and nothing else is", owner},
		{"syncing keeps errno", syncing_keeps_errno},
		{NULL, NULL},
	};
	char *dir = scratch_new();
	if (chdir(dir) != 0)
		return 1;
	int status = tap_main("folder", cases);
	scratch_free(dir);
	return status;
}
