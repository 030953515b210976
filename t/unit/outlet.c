/* SPDX-License-Identifier: ISC */
/* Which file records go to: by their time, after a reopen, after a new target, and when it cannot be opened. */
#include "store/outlet.h"

#include <errno.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errlog.h"
#include "lib/faults.h"
#include "lib/scratch.h"
#include "store/journal.h"
#include "unit/tap.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)
#define NEW_YEAR  (INT64_C(1767225600) * SECOND_US) /* 2026-01-01 */

struct fixture {
	char *scratch, *dir, *errors;
	struct logfile_mark mark;
	struct troubles troubles;
	struct journal_target target;
	struct journal *journal;
};

static struct fixture *
set_up(const char *name)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->scratch = scratch_new();
	f->dir = scratch_path(f->scratch, "logs");
	f->errors = scratch_path(f->scratch, "error.log");
	f->target = (struct journal_target){.dir = f->dir, .name = name, .rotate_keep = 3};
	faults_clear();
	CU_ASSERT_EQUAL(errlog_open(f->errors), 0);
	int open_error;
	f->journal = journal_new(
		&f->target, &(struct journal_world){&f->mark, &f->troubles, NULL}, &open_error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->journal);
	CU_ASSERT_EQUAL(open_error, 0);
	return f;
}

static void
tear_down(struct fixture *f)
{
	faults_clear();
	journal_free(f->journal);
	errlog_open("stderr");
	free(f->errors);
	free(f->dir);
	scratch_free(f->scratch);
	free(f);
}

static int
append(struct fixture *f, const char *text, int64_t wall_us)
{
	return journal_append(f->journal, slice_of(text), wall_us, NULL);
}

static void
expect(const struct fixture *f, const char *name, const char *content)
{
	size_t len;
	char *path = scratch_path(f->dir, name), *text = scratch_read(path, &len);
	CU_ASSERT_EQUAL(text == NULL, content == NULL);
	if (text != NULL && content != NULL) {
		CU_ASSERT_STRING_EQUAL(text, content);
		if (strcmp(text, content) != 0)
			printf("# %s: '%s', not '%s'\n", name, text, content);
	}
	free(text);
	free(path);
}

static void
move(const struct fixture *f, const char *from, const char *to)
{
	char *old = scratch_path(f->dir, from), *new = scratch_path(f->dir, to);
	CU_ASSERT_EQUAL(rename(old, new), 0);
	free(new);
	free(old);
}

static size_t
told(const struct fixture *f, const char *what)
{
	size_t len, count = 0;
	char *text = scratch_read(f->errors, &len);
	for (char *at = text; (at = strstr(at, what)) != NULL; at++)
		count++;
	free(text);
	return count;
}

static void
by_the_time(void)
{
	struct fixture *f = set_up("log-%F");
	CU_ASSERT_EQUAL(append(f, "a\n", NEW_YEAR - 1), 0);
	CU_ASSERT_EQUAL(append(f, "b\n", NEW_YEAR), 0);
	/* A batch that is late still has its day. */
	CU_ASSERT_EQUAL(append(f, "c\n", NEW_YEAR - 2), 0);
	CU_ASSERT_EQUAL(append(f, "d\n", NEW_YEAR + DAY_US - 1), 0);
	CU_ASSERT_EQUAL(append(f, "e\n", -1), 0);
	expect(f, "log-2025-12-31", "a\nc\n");
	expect(f, "log-2026-01-01", "b\nd\n");
	expect(f, "log-1970-01-01", "e\n");
	tear_down(f);
}

/* While the name stays, no file is opened. */
static void
opened_once(void)
{
	struct fixture *f = set_up("log-%Y-%m-%d-%H%M");
	CU_ASSERT_EQUAL(append(f, "a\n", NEW_YEAR), 0);
	faults_clear();
	for (int i = 0; i < 60; i++)
		CU_ASSERT_EQUAL(append(f, "a\n", NEW_YEAR + i * SECOND_US), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_OPENAT), 0);
	CU_ASSERT_EQUAL(append(f, "b\n", NEW_YEAR + 60 * SECOND_US), 0);
	expect(f, "log-2026-01-01-0001", "b\n");
	tear_down(f);
}

struct late {
	struct fixture *f;
	pthread_t thread;
	int64_t wall_us;
	char text[8];
	int result;
};

static void *
append_late(void *argument)
{
	struct late *late = argument;
	late->result = append(late->f, late->text, late->wall_us);
	return NULL;
}

/* Requests of two days in one queue: each goes to its own day, whoever writes it. */
static void
two_days_in_one_queue(void)
{
	enum { COUNT = 32 };
	struct fixture *f = set_up("log-%d");
	struct late late[COUNT];
	CU_ASSERT_EQUAL(append(f, "0\n", NEW_YEAR), 0);
	char *path = scratch_path(f->dir, "log-01");
	FILE *other = fopen(path, "re");
	CU_ASSERT_EQUAL(flock(fileno(other), LOCK_EX), 0);
	for (int i = 0; i < COUNT; i++) {
		late[i] = (struct late){.f = f, .wall_us = NEW_YEAR + i % 3 / 2 * DAY_US};
		snprintf(late[i].text, sizeof late[i].text, "%d\n", i % 3 / 2 + 1);
		CU_ASSERT_EQUAL(pthread_create(&late[i].thread, NULL, append_late, &late[i]), 0);
	}
	CU_ASSERT_EQUAL(flock(fileno(other), LOCK_UN), 0);
	fclose(other);
	for (int i = 0; i < COUNT; i++) {
		pthread_join(late[i].thread, NULL);
		CU_ASSERT_EQUAL(late[i].result, 0);
	}
	expect(f, "log-01",
		"0\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n");
	expect(f, "log-02", "2\n2\n2\n2\n2\n2\n2\n2\n2\n2\n");
	free(path);
	tear_down(f);
}

static void
reopened(void)
{
	struct fixture *f = set_up("log");
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	move(f, "log", "old");
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 0);
	journal_reopen(f->journal, 7);
	/* At once, without an append. */
	CU_ASSERT_EQUAL(journal_generation(f->journal), 7);
	expect(f, "log", "");
	CU_ASSERT_EQUAL(append(f, "c\n", 0), 0);
	expect(f, "old", "a\nb\n");
	expect(f, "log", "c\n");
	/* Asked for twice, and late: it has been done. */
	faults_clear();
	journal_reopen(f->journal, 7);
	journal_reopen(f->journal, 3);
	CU_ASSERT_EQUAL(faults_seen(), 0);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 7);
	tear_down(f);
}

/* An idle worker does not make the file of the day of its last record again. */
static void
reopened_as_of_now(void)
{
	struct fixture *f = set_up("log-%Y");
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	move(f, "log-1970", "old");
	journal_reopen(f->journal, 1);
	expect(f, "log-1970", NULL);
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	expect(f, "log-1970", "b\n");
	tear_down(f);
}

static void
reopened_in_a_folder_deleted(void)
{
	struct fixture *f = set_up("log");
	move(f, "log", "../old");
	CU_ASSERT_EQUAL(rmdir(f->dir), 0);
	journal_reopen(f->journal, 1);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 1);
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	expect(f, "log", "a\n");
	expect(f, "../old", "");
	tear_down(f);
}

/* The old file is kept, which is told once, and each append tries again. */
static void
not_reopened(void)
{
	struct fixture *f = set_up("log");
	move(f, "log", "old");
	struct rlimit before, none;
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){3, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	journal_reopen(f->journal, 2);
	int results = 0;
	for (int i = 0; i < 50; i++)
		results += append(f, "a\n", 0);
	journal_reopen(f->journal, 2);
	uint64_t generation = journal_generation(f->journal);
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(generation, 0);
	CU_ASSERT_EQUAL(results, 0);
	CU_ASSERT_EQUAL(told(f, "logs/log: cannot open: Too many open files"), 1);
	CU_ASSERT_EQUAL(told(f, "\n"), 1);
	expect(f, "log", NULL);
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 2);
	expect(f, "log", "b\n");
	CU_ASSERT_EQUAL(told(f, "logs/log: records go there now"), 1);
	tear_down(f);
}

/* The same without an append: asked again, it is done. */
static void
reopened_when_asked_again(void)
{
	struct fixture *f = set_up("log");
	move(f, "log", "old");
	faults_set(FAULT_ERROR, ENOSPC, 1, 1);
	journal_reopen(f->journal, 1);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 0);
	journal_reopen(f->journal, 1);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 1);
	expect(f, "log", "");
	/* Where there is no file at all there is none to write to either. */
	move(f, "log", "../old");
	move(f, "old", "../older");
	CU_ASSERT_EQUAL(rmdir(f->dir), 0);
	scratch_write(f->dir, (struct slice)SLICE("in the way"));
	char *old = scratch_path(f->scratch, "old");
	CU_ASSERT_EQUAL(unlink(old), 0);
	free(old);
	CU_ASSERT_EQUAL(append(f, "a\n", 0), -1);
	journal_reopen(f->journal, 2);
	CU_ASSERT_EQUAL(journal_generation(f->journal), 2);
	CU_ASSERT_EQUAL(unlink(f->dir), 0);
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	tear_down(f);
}

static void
retargeted(void)
{
	struct fixture *f = set_up("log");
	f->target.sync = 3600;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 0);
	/* LogSync alone: the file stays, and the old promise is kept. */
	faults_clear();
	f->target.sync = JOURNAL_SYNC_ALWAYS;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_OPENAT), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 2);
	expect(f, "log", "a\nb\n");
	f->target.name = "%Y.log";
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "c\n", 0), 0);
	expect(f, "1970.log", "c\n");
	char *dir = scratch_path(f->scratch, "more/logs");
	f->target.dir = dir;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "d\n", 0), 0);
	expect(f, "../more/logs/1970.log", "d\n");
	expect(f, "1970.log", "c\n");
	f->target.dir = f->dir;
	free(dir);
	tear_down(f);
}

static void
not_retargeted(void)
{
	struct fixture *f = set_up("log");
	char *in_the_way = scratch_path(f->scratch, "file");
	scratch_write(in_the_way, (struct slice)SLICE("x"));
	f->target = (struct journal_target){.dir = in_the_way, .name = "new", .sync = 3600};
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	expect(f, "log", "a\na\na\n");
	CU_ASSERT_EQUAL(told(f, "file/new: cannot open: Not a directory"), 1);
	CU_ASSERT_EQUAL(told(f, "\n"), 1);
	CU_ASSERT_EQUAL(unlink(in_the_way), 0);
	faults_clear();
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	/* What the new target promises holds for what went to the old file meanwhile. */
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	expect(f, "../file/new", "b\n");
	expect(f, "log", "a\na\na\n");
	free(in_the_way);
	tear_down(f);
}

/* Names that follow the time rotate each for itself. */
static void
rotated(void)
{
	struct fixture *f = set_up("log-%d");
	f->target.rotate_bytes = 4;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	for (int i = 0; i < 5; i++) {
		char text[] = {(char)('a' + i), '\n', '\0'};
		CU_ASSERT_EQUAL(append(f, text, NEW_YEAR), 0);
	}
	CU_ASSERT_EQUAL(append(f, "x\n", NEW_YEAR + DAY_US), 0);
	CU_ASSERT_EQUAL(append(f, "too long\n", NEW_YEAR + DAY_US), 0);
	CU_ASSERT_EQUAL(append(f, "f\n", NEW_YEAR), 0);
	CU_ASSERT_EQUAL(append(f, "g\n", NEW_YEAR), 0);
	expect(f, "log-01.3", "a\nb\n");
	expect(f, "log-01.2", "c\nd\n");
	expect(f, "log-01.1", "e\nf\n");
	expect(f, "log-01", "g\n");
	expect(f, "log-02.1", "x\n");
	expect(f, "log-02", "too long\n");
	f->target.rotate_keep = 1;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "hij\n", NEW_YEAR), 0);
	expect(f, "log-01.3", NULL);
	expect(f, "log-01.2", NULL);
	expect(f, "log-01.1", "g\n");
	f->target.rotate_bytes = 0;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "klm\n", NEW_YEAR), 0);
	expect(f, "log-01", "hij\nklm\n");
	tear_down(f);
}

/* Where it cannot rotate the file grows on, which is told once, and so is the end of it. */
static void
not_rotated(void)
{
	struct fixture *f = set_up("log");
	f->target.rotate_bytes = 4;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	char *in_the_way = scratch_path(f->dir, "log.1");
	f->target.rotate_keep = 1;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(mkdir(in_the_way, 0700), 0);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	expect(f, "log", "a\na\na\na\n");
	CU_ASSERT_EQUAL(told(f, "logs/log: cannot rotate, the file grows on: Is a directory"), 1);
	CU_ASSERT_EQUAL(told(f, "\n"), 1);
	CU_ASSERT_EQUAL(rmdir(in_the_way), 0);
	CU_ASSERT_EQUAL(append(f, "b\n", 0), 0);
	expect(f, "log.1", "a\na\na\na\n");
	expect(f, "log", "b\n");
	CU_ASSERT_EQUAL(told(f, "logs/log: is no longer too large"), 1);
	free(in_the_way);
	tear_down(f);
}

/* Appends with no descriptor to be had, or one: the log's own stands between the two that are free. */
static int
append_with_descriptors(struct fixture *f, int spare, const char *text)
{
	struct rlimit before, few;
	int next[] = {dup(STDERR_FILENO), dup(STDERR_FILENO)};
	close(next[0]);
	close(next[1]);
	getrlimit(RLIMIT_NOFILE, &before);
	few = (struct rlimit){(rlim_t)next[spare], before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	int result = append(f, text, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	return result;
}

/* Without a descriptor the rotation is put off; one is enough, for the old file's is free by then. */
static void
rotated_without_descriptors(void)
{
	struct fixture *f = set_up("log");
	f->target.rotate_bytes = 4;
	CU_ASSERT_EQUAL(journal_retarget(f->journal, &f->target), 0);
	CU_ASSERT_EQUAL(append(f, "a\nb\n", 0), 0);
	CU_ASSERT_EQUAL(append_with_descriptors(f, 0, "c\n"), 0);
	expect(f, "log", "a\nb\nc\n");
	CU_ASSERT_EQUAL(append_with_descriptors(f, 1, "d\n"), 0);
	expect(f, "log.1", "a\nb\nc\n");
	expect(f, "log", "d\n");
	tear_down(f);
}

/* Another process is killed in the middle of an append, and nobody appends to that file again. */
static void
torn_and_left(void)
{
	struct fixture *f = set_up("log");
	CU_ASSERT_EQUAL(append(f, "a\n", 0), 0);
	char *path = scratch_path(f->dir, "log");
	struct identity identity;
	CU_ASSERT_EQUAL(identity_in(&identity, AT_FDCWD, path), 0);
	mark_begin(&f->mark, identity.file, scratch_length(path), 100);
	scratch_write(path, slice_of("a\nto"));
	free(path);
	move(f, "log", "log.1");
	journal_reopen(f->journal, 1);
	expect(f, "log.1", "a\n");
	expect(f, "log", "");
	CU_ASSERT_FALSE(mark_any(&f->mark));
	tear_down(f);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a name that follows the time", by_the_time},
		{"a file is opened once for its time", opened_once},
		{"two days in one queue", two_days_in_one_queue},
		{"reopened", reopened},
		{"reopened under the name of now", reopened_as_of_now},
		{"reopened in a folder that was deleted", reopened_in_a_folder_deleted},
		{"the old file is kept when it cannot be reopened", not_reopened},
		{"and reopened when asked again", reopened_when_asked_again},
		{"a file that is left is whole", torn_and_left},
		{"another target", retargeted},
		{"the old file is kept when another cannot be opened", not_retargeted},
		{"rotated by size, each name for itself", rotated},
		{"a file that cannot be rotated", not_rotated},
		{"rotated with few descriptors", rotated_without_descriptors},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("outlet", cases);
}
