/* SPDX-License-Identifier: ISC */
/* What dead writers have left in files of other names. */
#include "store/mend.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faults.h"
#include "lib/scratch.h"
#include "store/logfile.h"
#include "unit/tap.h"

struct fixture {
	char *dir;
	struct logfile_mark *mark;
};

static struct fixture
set_up(void)
{
	struct fixture f = {.dir = scratch_new()};
	f.mark = mmap(
		NULL, sizeof *f.mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return f;
}

static void
tear_down(struct fixture *f)
{
	munmap(f->mark, sizeof *f->mark);
	scratch_free(f->dir);
}

static void
expect(const struct fixture *f, const char *name, const char *content)
{
	char *path = scratch_path(f->dir, name);
	size_t len;
	char *text = scratch_read(path, &len);
	CU_ASSERT_STRING_EQUAL(text, content);
	free(text);
	free(path);
}

static int
append(struct logfile *logfile, struct slice text)
{
	struct iovec iov = {(void *)(uintptr_t)text.data, text.len};
	return logfile_append(logfile, &iov, 1, false);
}

/* Appends the first text twice, and dies in the middle of the second. */
static void
die_in(const struct fixture *f, const char *name, struct slice whole, struct slice torn)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		struct logfile logfile;
		if (logfile_open(&logfile, f->dir, name, f->mark) != 0 ||
			append(&logfile, whole) != 0)
			_exit(1);
		faults_set(FAULT_NONE, 0, 1, 0);
		if (append(&logfile, whole) != 0)
			_exit(1);
		/* The last call unlocks, the one before it writes. */
		faults_set(FAULT_DIE_HALF, 0, faults_seen() - 1, 1);
		(void)append(&logfile, torn);
		_exit(1);
	}
	int status;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
rename_in(const struct fixture *f, const char *from, const char *to)
{
	char *old = scratch_path(f->dir, from), *new = scratch_path(f->dir, to);
	CU_ASSERT_EQUAL(rename(old, new), 0);
	free(old);
	free(new);
}

static void
renamed(void)
{
	struct fixture f = set_up();
	char *other = scratch_path(f.dir, "other");
	scratch_write(other, (struct slice)SLICE("open"));
	die_in(&f, "log", (struct slice)SLICE("one\n"), (struct slice)SLICE("two\nthree\n"));
	rename_in(&f, "log", "log.1");
	die_in(&f, "log", (struct slice)SLICE("four\n"), (struct slice)SLICE("five\n"));
	rename_in(&f, "log", "log-2026-01-01");
	expect(&f, "log.1", "one\none\ntwo\nt");
	errno = ENOTTY;
	mend_folder(f.dir, f.mark);
	CU_ASSERT_EQUAL(errno, ENOTTY);
	expect(&f, "log.1", "one\none\n");
	expect(&f, "log-2026-01-01", "four\nfour\n");
	expect(&f, "other", "open");
	CU_ASSERT_FALSE(mark_any(f.mark));
	free(other);
	tear_down(&f);
}

/* Notes of files that are elsewhere stay, and what is no file is no trouble. */
static void
elsewhere(void)
{
	struct fixture f = set_up();
	char *link = scratch_path(f.dir, "link"), *gone = scratch_path(f.dir, "gone");
	CU_ASSERT_EQUAL(symlink("/dev/null", link), 0);
	mark_begin(f.mark, 4710, 5, 100);
	mend_folder(f.dir, f.mark);
	mend_folder(gone, f.mark);
	CU_ASSERT_EQUAL(mark_find(f.mark, 4710), 5);
	free(link);
	free(gone);
	tear_down(&f);
}

static void *
mend_thread(void *arg)
{
	const struct fixture *f = arg;
	mend_folder(f->dir, f->mark);
	return NULL;
}

/* A note whose writer lives is waited for, not believed. */
static void
under_way(void)
{
	struct fixture f = set_up();
	struct logfile logfile;
	CU_ASSERT_EQUAL(logfile_open(&logfile, f.dir, "log", f.mark), 0);
	CU_ASSERT_EQUAL(flock(logfile.fd, LOCK_EX), 0);
	mark_begin(f.mark, logfile.identity.file, 0, 100);
	pthread_t thread;
	CU_ASSERT_EQUAL(pthread_create(&thread, NULL, mend_thread, &f), 0);
	CU_ASSERT_EQUAL(write(logfile.fd, "whole\n", 6), 6);
	struct timespec soon;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec = soon.tv_nsec < 900000000 ? soon.tv_nsec + 100000000 : soon.tv_nsec;
	CU_ASSERT_EQUAL(pthread_timedjoin_np(thread, NULL, &soon), ETIMEDOUT);
	mark_end(f.mark, logfile.identity.file, -1);
	CU_ASSERT_EQUAL(flock(logfile.fd, LOCK_UN), 0);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	expect(&f, "log", "whole\n");
	logfile_close(&logfile);
	tear_down(&f);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"torn lines of renamed files are cut off", renamed},
		{"other files and notes are left alone", elsewhere},
		{"an append under way is waited for", under_way},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("mend", cases);
}
