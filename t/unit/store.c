/* SPDX-License-Identifier: ISC */
/*
 * The room as a whole: several processes at one file, some of them killed in the middle of a
 * write, and a file system that is really full.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "lib/ledger.h"
#include "lib/scratch.h"
#include "store/journal.h"
#include "unit/tap.h"

enum {
	PROCESSES = 4,
	THREADS = 8,
	BOUND_MS = 60000,
	KILLS = 200,
	KILLS_PER_FILE = 20,
	BIG_RECORDS = 4,
	BIG_BYTES = 48 * 1024,
	SKIPPED = 77,
};

static struct logfile_mark *
new_mark(void)
{
	return mmap(NULL, sizeof(struct logfile_mark), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static struct journal *
open_journal(const char *dir, int64_t sync, struct logfile_mark *mark)
{
	static struct troubles troubles;
	int open_error;
	struct journal_target target = {.dir = dir, .name = "server.log", .sync = sync};
	struct journal *journal = journal_new(
		&target, &(struct journal_world){mark, &troubles, NULL}, &open_error);
	if (journal == NULL || open_error != 0)
		_exit(1);
	return journal;
}

static int
append(struct journal *journal, struct ledger *ledger, size_t writer, size_t count, size_t bytes)
{
	struct slice records = ledger_begin(ledger, writer, count, bytes);
	int result = journal_append(journal, records, 0, NULL);
	ledger_end(ledger, writer, count, result);
	free((void *)(uintptr_t)records.data);
	return result;
}

/* The file's records are all as the ledger has them. */
static void
assert_sound(const struct ledger *ledger, const char *dir)
{
	char *path = scratch_path(dir, "server.log");
	CU_ASSERT_EQUAL(ledger_check(ledger, path), 0);
	free(path);
}

static int
wait_for(pid_t child)
{
	int status = -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

struct thread {
	struct journal *journal;
	struct ledger *ledger;
	size_t number, rounds;
	pthread_t thread;
};

static void *
write_many(void *arg)
{
	struct thread *self = arg;
	for (size_t i = 0; i < self->rounds; i++)
		(void)append(self->journal, self->ledger, self->number, 1 + i % 4,
			60 + 3 * self->number);
	return NULL;
}

static void
run_threads(struct journal *journal, struct ledger *ledger, size_t first, size_t rounds)
{
	struct thread threads[THREADS];
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){.journal = journal,
			.ledger = ledger,
			.number = first + i,
			.rounds = rounds};
		if (pthread_create(&threads[i].thread, NULL, write_many, &threads[i]) != 0)
			_exit(1);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i].thread, NULL);
}

static void
many_processes(int64_t sync, size_t rounds)
{
	char *dir = scratch_new();
	struct ledger *ledger = ledger_new();
	struct logfile_mark *mark = new_mark();
	pid_t children[PROCESSES];
	for (size_t p = 0; p < PROCESSES; p++) {
		children[p] = fork();
		if (children[p] == 0) {
			struct journal *journal = open_journal(dir, sync, mark);
			run_threads(journal, ledger, p * THREADS, rounds);
			journal_free(journal);
			_exit(0);
		}
	}
	for (size_t p = 0; p < PROCESSES; p++)
		CU_ASSERT_EQUAL(wait_for(children[p]), 0);
	CU_ASSERT_TRUE(ledger_count(ledger, LEDGER_STORED) >= PROCESSES * THREADS * rounds);
	CU_ASSERT_EQUAL(ledger_count(ledger, LEDGER_FAILED), 0);
	assert_sound(ledger, dir);
	munmap(mark, sizeof *mark);
	ledger_free(ledger);
	scratch_free(dir);
}

static void
processes_and_threads(void)
{
	many_processes(JOURNAL_SYNC_NONE, 250);
}

static void
processes_and_threads_synced(void)
{
	many_processes(JOURNAL_SYNC_ALWAYS, 10);
}

/* Appends until it is killed: the victims large pieces, the others small ones, now and then. */
static void
append_forever(const char *dir, struct logfile_mark *mark, struct ledger *ledger, size_t writer,
	bool victim)
{
	struct journal *journal = open_journal(dir, JOURNAL_SYNC_NONE, mark);
	while (victim && ledger->begun[writer] + BIG_RECORDS <= LEDGER_RECORDS)
		(void)append(journal, ledger, writer, BIG_RECORDS, BIG_BYTES);
	while (!victim && ledger->begun[writer] < LEDGER_RECORDS) {
		(void)append(journal, ledger, writer, 1, 200);
		usleep(500);
	}
	_exit(0);
}

static pid_t
fork_writer(const char *dir, struct logfile_mark *mark, struct ledger *ledger, size_t writer,
	bool victim)
{
	pid_t child = fork();
	if (child == 0)
		append_forever(dir, mark, ledger, writer, victim);
	return child;
}

static bool
wait_until_begun(const struct ledger *ledger, size_t writer)
{
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	while (ledger->begun[writer] == 0 && clock_mono_ms() < end_ms)
		usleep(50);
	return ledger->begun[writer] > 0;
}

/* The instant is what is random here: up to the time that a few appends take. */
static void
kill_at_random(pid_t victim)
{
	struct timespec delay = {0, (long)arc4random_uniform(1000) * 1000};
	nanosleep(&delay, NULL);
	kill(victim, SIGKILL);
	(void)wait_for(victim);
}

/* How many of the deaths left an append that somebody had to undo. */
static int
kill_some(void)
{
	char *dir = scratch_new();
	struct ledger *ledger = ledger_new();
	struct logfile_mark *mark = new_mark();
	int halves = 0;
	pid_t others[2];
	for (size_t i = 0; i < 2; i++)
		others[i] = fork_writer(dir, mark, ledger, LEDGER_WRITERS - 1 - i, false);
	for (size_t i = 0; i < KILLS_PER_FILE; i++) {
		pid_t victim = fork_writer(dir, mark, ledger, i, true);
		CU_ASSERT_TRUE(wait_until_begun(ledger, i));
		kill_at_random(victim);
		size_t begun = ledger->begun[i];
		halves += ledger->verdicts[i][begun - 1] == LEDGER_OPEN;
	}
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(wait_until_begun(ledger, LEDGER_WRITERS - 1 - i));
		kill(others[i], SIGKILL);
		(void)wait_for(others[i]);
	}
	/* The last one may have died in the middle too: the next one to come repairs. */
	struct journal *journal = open_journal(dir, JOURNAL_SYNC_NONE, mark);
	CU_ASSERT_EQUAL(append(journal, ledger, LEDGER_WRITERS - 3, 1, 100), 0);
	journal_free(journal);
	assert_sound(ledger, dir);
	munmap(mark, sizeof *mark);
	ledger_free(ledger);
	scratch_free(dir);
	return halves;
}

static void
killed_at_random(void)
{
	int halves = 0;
	for (int i = 0; i < KILLS / KILLS_PER_FILE; i++)
		halves += kill_some();
	printf("# %d of %d died in an append\n", halves, KILLS);
	CU_ASSERT_TRUE(halves > 0);
}

/* Runs the case in a process that may change what is a process's own.  Its exit status. */
static int
in_a_child(int (*run)(const char *dir))
{
	char *dir = scratch_new();
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		char *errors = scratch_path(dir, "error.log");
		int status = errlog_open(errors) == 0 ? run(dir) : 1;
		fflush(stdout);
		_exit(status);
	}
	int status = wait_for(child);
	scratch_free(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define NEED(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("# %s:%d: %s, errno %d\n", __FILE__, __LINE__, #condition, errno);  \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* Threads append until records fail for lack of room; the room comes back; all is well. */
static int
fill(const char *logs, int (*make_room)(const char *dir), const char *dir)
{
	struct ledger *ledger = ledger_new();
	struct logfile_mark mark = {0};
	char *path = scratch_path(logs, "server.log");
	struct journal *journal = open_journal(logs, JOURNAL_SYNC_NONE, &mark);
	run_threads(journal, ledger, 0, 400);
	NEED(ledger_count(ledger, LEDGER_FAILED) > 0);
	NEED(ledger_count(ledger, LEDGER_STORED) > 0);
	NEED(ledger_count(ledger, LEDGER_OPEN) == 0);
	NEED(ledger_check(ledger, path) == 0);
	NEED(make_room(dir) == 0);
	run_threads(journal, ledger, THREADS, 3);
	NEED(ledger_check(ledger, path) == 0);
	for (size_t i = THREADS; i < 2 * THREADS; i++)
		NEED(ledger->verdicts[i][ledger->begun[i] - 1] == LEDGER_STORED);
	journal_free(journal);
	free(path);
	ledger_free(ledger);
	return 0;
}

static int
remove_ballast(const char *dir)
{
	char *ballast = scratch_path(dir, "small/ballast");
	int result = unlink(ballast);
	free(ballast);
	return result;
}

static int
disk_full(const char *dir)
{
	char *small = scratch_path(dir, "small"), *logs = scratch_path(small, "logs");
	char *ballast = scratch_path(small, "ballast");
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return SKIPPED;
	NEED(mkdir(small, 0700) == 0);
	if (mount("tmpfs", small, "tmpfs", MS_NOSUID | MS_NODEV, "size=256k") != 0)
		return SKIPPED;
	int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	NEED(fd >= 0 && posix_fallocate(fd, 0, 128 * 1024) == 0);
	close(fd);
	int status = fill(logs, remove_ballast, dir);
	free(ballast);
	free(logs);
	free(small);
	return status;
}

static void
full_disk(void)
{
	int status = in_a_child(disk_full);
	if (status == SKIPPED)
		tap_skip("no permission to mount a small file system");
	else
		CU_ASSERT_EQUAL(status, 0);
}

static int
lift_limit(const char *dir)
{
	(void)dir;
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_FSIZE, &limit);
}

static int
size_limited(const char *dir)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	NEED(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = 100001;
	NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	return fill(dir, lift_limit, dir);
}

static void
file_size_limit(void)
{
	CU_ASSERT_EQUAL(in_a_child(size_limited), 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"4 processes of 8 threads", processes_and_threads},
		{"the same with LogSync always", processes_and_threads_synced},
		{"200 processes killed at random in large appends", killed_at_random},
		{"a full disk, and room again", full_disk},
		{"a limit on the file's size, and none again", file_size_limit},
		{NULL, NULL},
	};
	/* Who is never woken must not hang the whole run. */
	alarm(240);
	return tap_main("store", cases);
}
