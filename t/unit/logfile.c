/* SPDX-License-Identifier: ISC */
/* Appends are whole or not there, whichever system call fails or is the last one of its process. */
#include "store/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faults.h"
#include "lib/ledger.h"
#include "lib/scratch.h"
#include "unit/tap.h"

/* A file of one case's own, and the mark and ledger that processes share. */
struct fixture {
	char *dir, *path;
	struct logfile_mark *mark;
	struct ledger *ledger;
	struct logfile logfile;
};

static struct fixture
set_up(void)
{
	struct fixture f = {.dir = scratch_new(), .ledger = ledger_new()};
	f.path = scratch_path(f.dir, "server.log");
	f.mark = mmap(
		NULL, sizeof *f.mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_EQUAL(logfile_open(&f.logfile, f.dir, "server.log", f.mark), 0);
	return f;
}

static void
tear_down(struct fixture *f)
{
	faults_clear();
	logfile_close(&f->logfile);
	ledger_free(f->ledger);
	munmap(f->mark, sizeof *f->mark);
	free(f->path);
	scratch_free(f->dir);
}

static int
append_text(struct logfile *logfile, const char *text)
{
	struct slice s = slice_of(text);
	struct iovec iov = {(void *)(uintptr_t)s.data, s.len};
	return logfile_append(logfile, &iov, 1, false);
}

/* Two buffers of two records each, as writer `writer`. */
static int
append_records(struct fixture *f, size_t writer, bool sync)
{
	struct slice a = ledger_begin(f->ledger, writer, 4, 50);
	struct iovec iov[] = {
		{(void *)(uintptr_t)a.data, 100}, {(char *)(uintptr_t)a.data + 100, 100}};
	int result = logfile_append(&f->logfile, iov, 2, sync);
	ledger_end(f->ledger, writer, 4, result);
	free((void *)(uintptr_t)a.data);
	return result;
}

static void
assert_content(const struct fixture *f, const char *expected)
{
	size_t len;
	char *text = scratch_read(f->path, &len);
	CU_ASSERT_EQUAL(len, strlen(expected));
	CU_ASSERT_STRING_EQUAL(text, expected);
	free(text);
}

static bool
has_note(const struct fixture *f)
{
	return mark_find(f->mark, f->logfile.identity.file) >= 0;
}

static void
opened(void)
{
	struct fixture f = set_up();
	char *deep = scratch_path(f.dir, "a/b");
	struct logfile other;
	umask(0);
	CU_ASSERT_EQUAL(logfile_open(&other, deep, "log", f.mark), 0);
	struct stat st;
	CU_ASSERT_EQUAL(fstatat(AT_FDCWD, deep, &st, 0), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0750);
	CU_ASSERT_EQUAL(fstat(other.fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0640);
	CU_ASSERT_TRUE((fcntl(other.fd, F_GETFD) & FD_CLOEXEC) != 0);
	logfile_close(&other);
	CU_ASSERT_EQUAL(other.fd, -1);
	CU_ASSERT_EQUAL(logfile_open(&other, f.path, "log", f.mark), -1);
	CU_ASSERT_EQUAL(errno, ENOTDIR);
	CU_ASSERT_EQUAL(other.fd, -1);
	free(deep);
	tear_down(&f);
}

/* More buffers than one writev takes, empty ones among them. */
static void
long_vector(void)
{
	enum { COUNT = 3000 };
	struct fixture f = set_up();
	struct slice all = ledger_begin(f.ledger, 0, COUNT, 20);
	struct iovec *iov = calloc(2 * COUNT, sizeof *iov);
	for (size_t i = 0; i < COUNT; i++)
		iov[2 * i + 1] = (struct iovec){(char *)(uintptr_t)all.data + 20 * i, 20};
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(logfile_append(&f.logfile, iov, 2 * COUNT, false), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_WRITEV), (2 * COUNT - 1) / 1024 + 1);
	ledger_end(f.ledger, 0, COUNT, 0);
	CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
	free(iov);
	free((void *)(uintptr_t)all.data);
	tear_down(&f);
}

static void
torn_tail(void)
{
	struct fixture f = set_up();
	logfile_close(&f.logfile);
	scratch_write(f.path, (struct slice)SLICE("whole\nto"));
	CU_ASSERT_EQUAL(logfile_open(&f.logfile, f.dir, "server.log", f.mark), 0);
	assert_content(&f, "whole\nto\n");
	scratch_write(f.path, (struct slice)SLICE("by an editor"));
	CU_ASSERT_EQUAL(append_text(&f.logfile, "ours\n"), 0);
	assert_content(&f, "by an editor\nours\n");
	tear_down(&f);
}

/* Where the last append has ended nobody looks again, whichever process it was. */
static void
known_end(void)
{
	struct fixture f = set_up();
	struct logfile other;
	CU_ASSERT_EQUAL(logfile_open(&other, f.dir, "server.log", f.mark), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(append_text(&other, "two\n"), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_PREAD), 0);
	CU_ASSERT_EQUAL(write(other.fd, "open", 4), 4);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "four\n"), 0);
	assert_content(&f, "one\ntwo\nthree\nopen\nfour\n");
	CU_ASSERT_EQUAL(faults_calls(FAULT_PREAD), 1);
	faults_clear();
	logfile_close(&other);
	tear_down(&f);
}

/* The newline that somebody's line gets is taken back with the append that needed it. */
static void
newline_belongs_to_append(void)
{
	struct fixture f = set_up();
	scratch_write(f.path, (struct slice)SLICE("torn"));
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "ours\n"), 0);
	int calls = faults_seen();
	for (int nth = 1; nth <= calls; nth++) {
		scratch_write(f.path, (struct slice)SLICE("torn"));
		faults_set(FAULT_HALF_ERROR, EIO, nth, 1);
		int result = append_text(&f.logfile, "ours\n");
		faults_clear();
		assert_content(&f, result == 0 ? "torn\nours\n" : "torn");
	}
	tear_down(&f);
}

static void
noted_tail(void)
{
	struct fixture f = set_up();
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	uint64_t file = f.logfile.identity.file;

	scratch_write(f.path, (struct slice)SLICE("one\nwhole\nto"));
	mark_begin(f.mark, file, 4, 100);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), 0);
	assert_content(&f, "one\ntwo\n");
	CU_ASSERT_FALSE(has_note(&f));

	scratch_write(f.path, (struct slice)SLICE("one\nto"));
	mark_begin(f.mark, file, 4, 100);
	logfile_close(&f.logfile);
	CU_ASSERT_EQUAL(logfile_open(&f.logfile, f.dir, "server.log", f.mark), 0);
	assert_content(&f, "one\n");
	CU_ASSERT_FALSE(has_note(&f));

	/* Emptied since: the note must not make it longer. */
	mark_begin(f.mark, file, 4, 100);
	scratch_write(f.path, (struct slice)SLICE(""));
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), 0);
	assert_content(&f, "three\n");
	tear_down(&f);
}

/* A note that its writer's daemons have not looked at for long, while others of another user went on writing. */
static void
old_note(void)
{
	struct fixture f = set_up();
	uint64_t file = f.logfile.identity.file;
	mark_begin(f.mark, file, 4, 6);
	scratch_write(f.path, (struct slice)SLICE("one\nto\nthree\n"));
	CU_ASSERT_EQUAL(append_text(&f.logfile, "four\n"), 0);
	assert_content(&f, "one\nto\nthree\nfour\n");
	CU_ASSERT_FALSE(has_note(&f));
	/* All of it was written, but for the note's end: the next one cannot know that it was synced. */
	scratch_write(f.path, (struct slice)SLICE("one\ntwo\n"));
	mark_begin(f.mark, file, 4, 4);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), 0);
	assert_content(&f, "one\nthree\n");
	tear_down(&f);
}

/* While one file has a note, appends to another one neither lose nor use it. */
static void
two_files(void)
{
	struct fixture f = set_up();
	struct logfile other;
	CU_ASSERT_EQUAL(logfile_open(&other, f.dir, "other.log", f.mark), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	mark_begin(f.mark, f.logfile.identity.file, 4, 100);
	scratch_write(f.path, (struct slice)SLICE("one\nto"));
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(append_text(&other, "other\n"), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), 0);
	assert_content(&f, "one\ntwo\n");
	logfile_close(&other);
	tear_down(&f);
}

static void
deleted(void)
{
	struct fixture f = set_up();
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	CU_ASSERT_EQUAL(unlink(f.path), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	CU_ASSERT_FALSE(has_note(&f));
	tear_down(&f);
}

/* A link by somebody else, or in a spool that is no longer used, is no name of the log. */
static void
deleted_but_linked(void)
{
	struct fixture f = set_up();
	char *elsewhere = scratch_path(f.dir, "elsewhere");
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	CU_ASSERT_EQUAL(link(f.path, elsewhere), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), 0);
	CU_ASSERT_EQUAL(unlink(f.path), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	free(elsewhere);
	tear_down(&f);
}

/* What others do with their files is no reason to leave one that has been renamed; the rotation of this one is. */
static void
rotations_of_others(void)
{
	struct fixture f = set_up();
	char *renamed = scratch_path(f.dir, "renamed");
	uint64_t file = f.logfile.identity.file;
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	CU_ASSERT_EQUAL(rename(f.path, renamed), 0);
	mark_count_rotation(f.mark, file + 2);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), 0);
	mark_count_rotation(f.mark, file);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	free(renamed);
	tear_down(&f);
}

static void
emptied(void)
{
	struct fixture f = set_up();
	CU_ASSERT_EQUAL(append_text(&f.logfile, "one\n"), 0);
	CU_ASSERT_EQUAL(truncate(f.path, 0), 0);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "two\n"), 0);
	assert_content(&f, "two\n");
	/* Emptied before the append, which then fails. */
	CU_ASSERT_EQUAL(truncate(f.path, 0), 0);
	faults_set(FAULT_HALF_ERROR, ENOSPC, 1, FAULT_FOREVER);
	CU_ASSERT_EQUAL(append_text(&f.logfile, "three\n"), -1);
	faults_clear();
	CU_ASSERT_EQUAL(append_text(&f.logfile, "four\n"), 0);
	assert_content(&f, "four\n");
	tear_down(&f);
}

static int
calls_of_an_append(struct fixture *f)
{
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(append_records(f, 0, true), 0);
	return faults_seen();
}

/*
 * Every call of an append fails in turn, once, a few times, or from then on; then the fault goes
 * away and an append puts everything right by itself.
 */
static void
faults_everywhere(enum fault fault, int error)
{
	struct fixture f = set_up();
	/* Undoing takes a few calls more. */
	int calls = calls_of_an_append(&f) + 3;
	static const int spans[] = {1, 2, 3, FAULT_FOREVER};
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		for (int nth = 1; nth <= calls; nth++) {
			if (error == EINTR && spans[i] == FAULT_FOREVER)
				continue;
			faults_set(fault, error, nth, spans[i]);
			errno = 0;
			int result = append_records(&f, 0, true);
			CU_ASSERT_TRUE(result == 0 || errno == error);
			CU_ASSERT_TRUE(result == 0 || (error != EINTR && fault != FAULT_SHORT));
			bool mended = spans[i] == 1;
			faults_clear();
			if (mended)
				CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
			CU_ASSERT_EQUAL(append_records(&f, 1, true), 0);
			CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
			CU_ASSERT_FALSE(has_note(&f));
		}
	}
	CU_ASSERT_TRUE(error == EINTR || ledger_count(f.ledger, LEDGER_FAILED) > 0);
	tear_down(&f);
}

static void
eio(void)
{
	faults_everywhere(FAULT_ERROR, EIO);
}

static void
enospc_halfway(void)
{
	faults_everywhere(FAULT_HALF_ERROR, ENOSPC);
}

static void
eintr(void)
{
	faults_everywhere(FAULT_ERROR, EINTR);
}

static void
short_writes(void)
{
	struct fixture f = set_up();
	for (int nth = 1; nth <= 8; nth++) {
		faults_set(FAULT_SHORT, 0, nth, FAULT_FOREVER);
		CU_ASSERT_EQUAL(append_records(&f, 0, false), 0);
	}
	faults_clear();
	CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
	tear_down(&f);
}

/* A failed sync is a failed append: nothing of it stays. */
static void
failed_sync(void)
{
	struct fixture f = set_up();
	CU_ASSERT_EQUAL(append_records(&f, 0, true), 0);
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(append_records(&f, 0, true), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	/* The calls of an append end with fdatasync and the unlock. */
	faults_set(FAULT_ERROR, EIO, faults_seen() - 1, 1);
	CU_ASSERT_EQUAL(append_records(&f, 0, true), -1);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FTRUNCATE), 1);
	CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
	tear_down(&f);
}

/* A child dies at its nth call; it has a descriptor of its own.  Whether it died. */
static bool
die_at(struct fixture *f, enum fault fault, int nth)
{
	pid_t child = fork();
	if (child == 0) {
		struct logfile own;
		if (logfile_open(&own, f->dir, "server.log", f->mark) != 0)
			_exit(1);
		f->logfile = own;
		faults_set(fault, EIO, nth, 1);
		append_records(f, 1, true);
		_exit(0);
	}
	int status = 0;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void
killed_everywhere(void)
{
	struct fixture f = set_up();
	int calls = calls_of_an_append(&f), deaths = 0, torn = 0;
	for (enum fault fault = FAULT_DIE_BEFORE; fault <= FAULT_DIE_AFTER; fault++) {
		for (int nth = 1; nth <= calls; nth++) {
			deaths += die_at(&f, fault, nth);
			torn += has_note(&f);
			CU_ASSERT_EQUAL(append_records(&f, 0, false), 0);
			CU_ASSERT_EQUAL(ledger_check(f.ledger, f.path), 0);
			CU_ASSERT_FALSE(has_note(&f));
		}
	}
	CU_ASSERT_EQUAL(deaths, 3 * calls);
	CU_ASSERT_TRUE(torn > 3);
	tear_down(&f);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"opened with its directories", opened},
		{"a vector longer than IOV_MAX", long_vector},
		{"a torn tail that nobody noted gets its newline", torn_tail},
		{"a known end is not looked at", known_end},
		{"which is taken back with a failed append", newline_belongs_to_append},
		{"a noted tail is cut off", noted_tail},
		{"what has grown beyond an old note is not cut", old_note},
		{"notes of two files", two_files},
		{"a deleted file is told", deleted},
		{"also where it has another link", deleted_but_linked},
		{"the rotation of another file is none of this one", rotations_of_others},
		{"an emptied file has no hole", emptied},
		{"EIO at every call", eio},
		{"ENOSPC in the middle of every call", enospc_halfway},
		{"EINTR at every call", eintr},
		{"short writes", short_writes},
		{"a failed sync", failed_sync},
		{"killed at every call", killed_everywhere},
		{NULL, NULL},
	};
	return tap_main("logfile", cases);
}
