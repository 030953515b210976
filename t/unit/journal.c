/* SPDX-License-Identifier: ISC */
/* Group commit among threads: everyone is told the truth about their own records. */
#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "lib/faults.h"
#include "lib/ledger.h"
#include "lib/scratch.h"
#include "unit/tap.h"

enum { BOUND_MS = 20000, THREADS = 8 };

struct fixture {
	char *scratch, *dir, *path, *errors;
	struct logfile_mark mark;
	struct troubles troubles;
	struct ledger *ledger;
	struct journal *journal;
	int open_error;
};

/* On the heap: threads point into it. */
static struct fixture *
set_up(int64_t sync)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->scratch = scratch_new();
	f->dir = scratch_path(f->scratch, "logs/today");
	f->path = scratch_path(f->dir, "server.log");
	f->errors = scratch_path(f->scratch, "error.log");
	f->ledger = ledger_new();
	faults_clear();
	CU_ASSERT_EQUAL(errlog_open(f->errors), 0);
	struct journal_target target = {.dir = f->dir, .name = "server.log", .sync = sync};
	f->journal = journal_new(
		&target, &(struct journal_world){&f->mark, &f->troubles, NULL}, &f->open_error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->journal);
	return f;
}

static void
tear_down(struct fixture *f)
{
	journal_free(f->journal);
	errlog_open("stderr");
	ledger_free(f->ledger);
	free(f->errors);
	free(f->path);
	free(f->dir);
	scratch_free(f->scratch);
	free(f);
}

static int
append(struct fixture *f, size_t writer, size_t count, size_t bytes)
{
	struct slice records = ledger_begin(f->ledger, writer, count, bytes);
	int result = journal_append(f->journal, records, 0, NULL);
	ledger_end(f->ledger, writer, count, result);
	free((void *)(uintptr_t)records.data);
	return result;
}

/* How often the daemon's own log says so. */
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

struct writer {
	struct fixture *f;
	size_t number, rounds;
	_Atomic int tid;
	pthread_t thread;
};

static void *
write_many(void *arg)
{
	struct writer *writer = arg;
	writer->tid = gettid();
	for (size_t i = 0; i < writer->rounds; i++)
		(void)append(
			writer->f, writer->number, 1 + i % 3, 30 + 11 * writer->number + i % 5);
	return NULL;
}

static void
start(struct fixture *f, struct writer *writers, size_t count, size_t rounds)
{
	for (size_t i = 0; i < count; i++) {
		writers[i] = (struct writer){.f = f, .number = i, .rounds = rounds};
		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
	}
}

static void
finish(struct writer *writers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_join(writers[i].thread, NULL);
}

static void
alone(void)
{
	struct fixture *f = set_up(JOURNAL_SYNC_NONE);
	CU_ASSERT_EQUAL(f->open_error, 0);
	CU_ASSERT_EQUAL(journal_append(f->journal, (struct slice){NULL, 0}, 0, NULL), 0);
	for (size_t i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(append(f, 0, i + 1, 100), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	CU_ASSERT_EQUAL(told(f, "\n"), 0);
	tear_down(f);
}

static void
together(int64_t sync, size_t rounds)
{
	struct fixture *f = set_up(sync);
	struct writer writers[THREADS];
	start(f, writers, THREADS, rounds);
	finish(writers, THREADS);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	CU_ASSERT_EQUAL(ledger_count(f->ledger, LEDGER_OPEN), 0);
	CU_ASSERT_EQUAL(ledger_count(f->ledger, LEDGER_FAILED), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC) > 0, sync == JOURNAL_SYNC_ALWAYS);
	CU_ASSERT_TRUE(faults_calls(FAULT_FDATASYNC) <= (int)(rounds * THREADS));
	tear_down(f);
}

static void
many_threads(void)
{
	together(JOURNAL_SYNC_NONE, 1000);
}

/* The lead is handed to a thread that has queued and does not wait yet. */
static void
slow_threads(void)
{
	faults_linger(100);
	together(JOURNAL_SYNC_NONE, 100);
	faults_linger(0);
}

static void
many_threads_synced(void)
{
	together(JOURNAL_SYNC_ALWAYS, 25);
}

static void
many_threads_synced_later(void)
{
	together(3600, 300);
}

static bool
asleep(int tid)
{
	char path[64], state = '?';
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
			state = '?';
		fclose(file);
	}
	return state == 'S';
}

static bool
wait_until_all_sleep(const struct writer *writers, size_t count)
{
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	size_t sleeping = 0;
	while (sleeping < count && clock_mono_ms() < end_ms) {
		sleeping = 0;
		while (sleeping < count && writers[sleeping].tid != 0 &&
			asleep(writers[sleeping].tid))
			sleeping++;
		usleep(1000);
	}
	return sleeping == count;
}

/* While somebody else holds the file everyone queues; then it takes two writes, not thirty-two. */
static void
groups(void)
{
	enum { COUNT = 32 };
	struct fixture *f = set_up(JOURNAL_SYNC_ALWAYS);
	struct writer writers[COUNT];
	int other = open(f->path, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_EQUAL(flock(other, LOCK_EX), 0);
	faults_clear();
	start(f, writers, COUNT, 1);
	CU_ASSERT_TRUE(wait_until_all_sleep(writers, COUNT));
	CU_ASSERT_EQUAL(flock(other, LOCK_UN), 0);
	finish(writers, COUNT);
	close(other);
	CU_ASSERT_TRUE(faults_calls(FAULT_WRITEV) <= 3);
	CU_ASSERT_TRUE(faults_calls(FAULT_FDATASYNC) <= 3);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	CU_ASSERT_EQUAL(ledger_count(f->ledger, LEDGER_STORED), COUNT);
	tear_down(f);
}

/* Threads at work while the nth call of theirs fails, for every n; after it all is well by itself. */
static void
faults_under_way(enum fault fault, int error)
{
	struct fixture *f = set_up(JOURNAL_SYNC_ALWAYS);
	struct writer writers[THREADS];
	for (int nth = 1; nth <= 40; nth++) {
		ledger_clear(f->ledger);
		if (truncate(f->path, 0) != 0)
			CU_FAIL("truncate");
		faults_set(fault, error, nth, nth % 4 == 0 ? 5 : 1);
		start(f, writers, THREADS, 3);
		finish(writers, THREADS);
		faults_clear();
		CU_ASSERT_EQUAL(append(f, THREADS, 2, 90), 0);
		CU_ASSERT_EQUAL(ledger_count(f->ledger, LEDGER_OPEN), 0);
		CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	}
	tear_down(f);
}

static void
eio(void)
{
	faults_under_way(FAULT_ERROR, EIO);
}

static void
enospc_halfway(void)
{
	faults_under_way(FAULT_HALF_ERROR, ENOSPC);
}

static void
short_writes(void)
{
	faults_under_way(FAULT_SHORT, 0);
}

static void
deleted(void)
{
	struct fixture *f = set_up(JOURNAL_SYNC_NONE);
	CU_ASSERT_EQUAL(append(f, 0, 3, 50), 0);
	CU_ASSERT_EQUAL(unlink(f->path), 0);
	ledger_clear(f->ledger);
	CU_ASSERT_EQUAL(append(f, 0, 3, 50), 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	CU_ASSERT_EQUAL(unlink(f->path), 0);
	CU_ASSERT_EQUAL(rmdir(f->dir), 0);
	ledger_clear(f->ledger);
	CU_ASSERT_EQUAL(append(f, 0, 3, 50), 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	/* Where it cannot be made again, the reason is told, and that it is gone is not. */
	CU_ASSERT_EQUAL(unlink(f->path), 0);
	CU_ASSERT_EQUAL(rmdir(f->dir), 0);
	scratch_write(f->dir, (struct slice)SLICE("in the way"));
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), -1);
	CU_ASSERT_EQUAL(errno, ENOTDIR);
	CU_ASSERT_EQUAL(unlink(f->dir), 0);
	ledger_clear(f->ledger);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	tear_down(f);
}

static void
emptied(void)
{
	struct fixture *f = set_up(JOURNAL_SYNC_NONE);
	CU_ASSERT_EQUAL(append(f, 0, 30, 500), 0);
	CU_ASSERT_EQUAL(truncate(f->path, 0), 0);
	ledger_clear(f->ledger);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	tear_down(f);
}

static void
cannot_open(void)
{
	char *scratch = scratch_new(), *errors = scratch_path(scratch, "error.log");
	char *in_the_way = scratch_path(scratch, "logs");
	struct logfile_mark mark = {0};
	struct troubles troubles = {0};
	const struct journal_world world = {&mark, &troubles, NULL};
	struct journal_target target = {.dir = in_the_way, .name = "server.log"};
	int open_error = 0;
	CU_ASSERT_EQUAL(errlog_open(errors), 0);
	scratch_write(in_the_way, (struct slice)SLICE("x"));
	struct journal *journal = journal_new(&target, &world, &open_error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
	CU_ASSERT_EQUAL(open_error, ENOTDIR);
	CU_ASSERT_EQUAL(journal_append(journal, (struct slice)SLICE("no\n"), 0, NULL), -1);
	CU_ASSERT_EQUAL(errno, ENOTDIR);
	CU_ASSERT_EQUAL(unlink(in_the_way), 0);
	CU_ASSERT_EQUAL(journal_append(journal, (struct slice)SLICE("yes\n"), 0, NULL), 0);
	journal_free(journal);
	errlog_open("stderr");
	free(in_the_way);
	free(errors);
	scratch_free(scratch);
}

static void
told_once(void)
{
	struct fixture *f = set_up(JOURNAL_SYNC_NONE);
	faults_set(FAULT_HALF_ERROR, ENOSPC, 1, FAULT_FOREVER);
	for (int i = 0; i < 500; i++) {
		CU_ASSERT_EQUAL(append(f, 0, 1, 50), -1);
		CU_ASSERT_EQUAL(errno, ENOSPC);
	}
	faults_clear();
	CU_ASSERT_EQUAL(told(f, "server.log: cannot store records: No space left on device\n"), 1);
	CU_ASSERT_EQUAL(told(f, "records are stored again\n"), 0);
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(told(f, "server.log: records are stored again\n"), 1);
	CU_ASSERT_EQUAL(told(f, "\n"), 2);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	tear_down(f);
}

/* Descriptors used up by clients do not take the file away from us. */
static void
failed_without_descriptors(void)
{
	struct fixture *f = set_up(JOURNAL_SYNC_NONE);
	faults_set(FAULT_HALF_ERROR, EIO, 1, FAULT_FOREVER);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), -1);
	faults_clear();
	struct rlimit before, none;
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){3, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &none);
	int refused = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int result = append(f, 0, 1, 50);
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(refused, -1);
	CU_ASSERT_EQUAL(result, 0);
	CU_ASSERT_EQUAL(ledger_check(f->ledger, f->path), 0);
	tear_down(f);
}

static void
synced_later(void)
{
	struct fixture *f = set_up(3600);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 0);
	/* Another file takes its place: what was promised for the old one is kept at once. */
	CU_ASSERT_EQUAL(unlink(f->path), 0);
	CU_ASSERT_EQUAL(append(f, 0, 1, 50), 0);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	tear_down(f);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 2);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"one thread", alone},
		{"many threads", many_threads},
		{"many threads that do not keep up", slow_threads},
		{"many threads, LogSync always", many_threads_synced},
		{"many threads, LogSync seconds", many_threads_synced_later},
		{"those who wait are written together", groups},
		{"EIO at every call", eio},
		{"ENOSPC in the middle of every call", enospc_halfway},
		{"short writes", short_writes},
		{"file or directory deleted", deleted},
		{"file emptied", emptied},
		{"a file that cannot be opened yet", cannot_open},
		{"an error is told once, and its end", told_once},
		{"no descriptor left to open it anew", failed_without_descriptors},
		{"LogSync seconds promises for every file", synced_later},
		{NULL, NULL},
	};
	/* Who is never woken must not hang the whole run. */
	alarm(120);
	return tap_main("journal", cases);
}
