/* SPDX-License-Identifier: ISC */
/* LogSync seconds: synced in time, without making anyone wait, and only when there is something. */
#include "store/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "lib/faults.h"
#include "lib/scratch.h"
#include "unit/tap.h"

enum { BOUND_MS = 20000 };

static sem_t sync_begun, sync_may_go_on;

static void
wait_in_sync(void)
{
	sem_post(&sync_begun);
	while (sem_wait(&sync_may_go_on) != 0)
		;
}

static bool
wait_for_syncs(int count)
{
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	while (faults_calls(FAULT_FDATASYNC) < count && clock_mono_ms() < end_ms)
		usleep(1000);
	return faults_calls(FAULT_FDATASYNC) >= count;
}

static int
open_file(const char *dir)
{
	char *path = scratch_path(dir, "file");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CU_ASSERT_TRUE(fd >= 0);
	free(path);
	return fd;
}

static void
in_time(void)
{
	char *dir = scratch_new();
	int fd = open_file(dir);
	faults_clear();
	struct syncer *syncer = syncer_new("file", 1, &(struct trouble){0});
	CU_ASSERT_PTR_NOT_NULL_FATAL(syncer);
	int64_t begin_ms = clock_mono_ms();
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	/* The syncer has a descriptor of its own. */
	close(fd);
	CU_ASSERT_TRUE(wait_for_syncs(1));
	CU_ASSERT_TRUE(clock_mono_ms() - begin_ms >= 1000);
	syncer_free(syncer);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	scratch_free(dir);
}

static void
at_the_end(void)
{
	char *dir = scratch_new();
	int fd = open_file(dir);
	faults_clear();
	int64_t begin_ms = clock_mono_ms();
	struct syncer *syncer = syncer_new("file", 3600, &(struct trouble){0});
	syncer_flush(syncer);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 0);
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	syncer_flush(syncer);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 1);
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	syncer_free(syncer);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 2);
	CU_ASSERT_TRUE(clock_mono_ms() - begin_ms < BOUND_MS);
	close(fd);
	scratch_free(dir);
}

/* What is noted while a sync is under way is synced again, at the end if not before. */
static void
nobody_waits(void)
{
	char *dir = scratch_new();
	int fd = open_file(dir);
	faults_clear();
	sem_init(&sync_begun, 0, 0);
	sem_init(&sync_may_go_on, 0, 0);
	faults_on_sync(wait_in_sync);
	struct syncer *syncer = syncer_new("file", 1, &(struct trouble){0});
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	while (sem_wait(&sync_begun) != 0)
		;
	/* Would never return if it waited for the sync. */
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	sem_post(&sync_may_go_on);
	sem_post(&sync_may_go_on);
	syncer_free(syncer);
	faults_on_sync(NULL);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 2);
	close(fd);
	scratch_free(dir);
}

static void
failing_sync(void)
{
	char *dir = scratch_new(), *log = scratch_path(dir, "error.log");
	int fd = open_file(dir);
	CU_ASSERT_EQUAL(errlog_open(log), 0);
	faults_set(FAULT_ERROR, EIO, 1, 1);
	struct syncer *syncer = syncer_new("the file", 1, &(struct trouble){0});
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	CU_ASSERT_TRUE(wait_for_syncs(2));
	syncer_free(syncer);
	errlog_open("stderr");
	size_t len;
	char *text = scratch_read(log, &len);
	char *error = strstr(text, "the file: cannot sync: Input/output error\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "the file: synced again\n"));
	free(text);
	close(fd);
	free(log);
	scratch_free(dir);
}

static void
no_descriptor(void)
{
	faults_clear();
	struct syncer *syncer = syncer_new("file", 1, &(struct trouble){0});
	CU_ASSERT_EQUAL(syncer_note(syncer, -1), -1);
	CU_ASSERT_EQUAL(errno, EBADF);
	syncer_free(syncer);
	CU_ASSERT_EQUAL(faults_calls(FAULT_FDATASYNC), 0);
}

static sigset_t mask_in_sync;

static void
read_mask(void)
{
	pthread_sigmask(SIG_SETMASK, NULL, &mask_in_sync);
}

static void
signals_are_blocked(void)
{
	char *dir = scratch_new();
	int fd = open_file(dir);
	faults_clear();
	sigemptyset(&mask_in_sync);
	faults_on_sync(read_mask);
	struct syncer *syncer = syncer_new("file", 1, &(struct trouble){0});
	sigset_t ours;
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	CU_ASSERT_FALSE(sigismember(&ours, SIGTERM));
	CU_ASSERT_EQUAL(syncer_note(syncer, fd), 0);
	CU_ASSERT_TRUE(wait_for_syncs(1));
	syncer_free(syncer);
	faults_on_sync(NULL);
	CU_ASSERT_TRUE(sigismember(&mask_in_sync, SIGTERM));
	CU_ASSERT_TRUE(sigismember(&mask_in_sync, SIGUSR1));
	close(fd);
	scratch_free(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"synced when it is due, once", in_time},
		{"synced when asked and at the end", at_the_end},
		{"nobody waits for a sync", nobody_waits},
		{"a failed sync is told and tried again", failing_sync},
		{"without a descriptor", no_descriptor},
		{"signals are blocked in the thread", signals_are_blocked},
		{NULL, NULL},
	};
	return tap_main("syncer", cases);
}
