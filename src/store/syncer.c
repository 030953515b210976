/* SPDX-License-Identifier: ISC */
/*
 * One descriptor at most waits to be synced.  Whoever takes it out under the mutex owns it, syncs it
 * without the mutex and closes it, so no append ever waits for the disk here.
 */
#include "store/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "store/logfile.h"

struct syncer {
	const char *path;
	int64_t seconds;
	struct trouble *trouble; /* shared */
	pthread_t thread;

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	int fd; /* what to sync; -1: nothing */
	struct timespec due;
	bool stopping;
};

static struct timespec
seconds_from_now(int64_t seconds)
{
	struct timespec due;
	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_sec += seconds;
	return due;
}

/* Waits until there is something to sync and it is due; -1 when the syncer stops. */
static int
wait_until_due(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->mutex);
	while (!syncer->stopping && syncer->fd < 0)
		pthread_cond_wait(&syncer->changed, &syncer->mutex);
	int waited = 0;
	while (!syncer->stopping && syncer->fd >= 0 && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&syncer->changed, &syncer->mutex, &syncer->due);
	bool stopping = syncer->stopping;
	pthread_mutex_unlock(&syncer->mutex);
	return stopping ? -1 : 0;
}

static int
take(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->mutex);
	int fd = syncer->fd;
	syncer->fd = -1;
	pthread_mutex_unlock(&syncer->mutex);
	return fd;
}

/* Takes ownership of fd.  Where nothing waits yet it becomes what is due next. */
static void
put(struct syncer *syncer, int fd)
{
	pthread_mutex_lock(&syncer->mutex);
	int spare = syncer->fd < 0 ? -1 : fd;
	if (spare < 0) {
		syncer->fd = fd;
		syncer->due = seconds_from_now(syncer->seconds);
		pthread_cond_signal(&syncer->changed);
	}
	pthread_mutex_unlock(&syncer->mutex);
	if (spare >= 0)
		close(spare);
}

/* Syncs and says what the operator should know.  0, or -1. */
static int
sync_and_tell(struct syncer *syncer, int fd)
{
	int error = logfile_sync(fd) == 0 ? 0 : errno;
	if (error != 0 && trouble_failed(syncer->trouble, clock_mono_ms()))
		errlog_error("%s: cannot sync: %s", syncer->path, strerror(error));
	else if (error == 0 && trouble_over(syncer->trouble))
		errlog_info("%s: synced again", syncer->path);
	return error == 0 ? 0 : -1;
}

static void *
run(void *arg)
{
	struct syncer *syncer = arg;
	while (wait_until_due(syncer) == 0) {
		int fd = take(syncer);
		if (fd < 0)
			continue; /* flushed meanwhile */
		if (sync_and_tell(syncer, fd) == 0)
			close(fd);
		else
			put(syncer, fd);
	}
	return NULL;
}

/* Signals are for the thread that reads them, whatever the caller's mask is. */
static int
start_thread(struct syncer *syncer)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&syncer->thread, NULL, run, syncer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct syncer *
syncer_new(const char *path, int64_t seconds, struct trouble *trouble)
{
	struct syncer *syncer = malloc(sizeof *syncer);
	if (syncer == NULL)
		return NULL;
	*syncer = (struct syncer){.path = path, .seconds = seconds, .trouble = trouble, .fd = -1};
	pthread_mutex_init(&syncer->mutex, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&syncer->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int error = start_thread(syncer);
	if (error != 0) {
		pthread_cond_destroy(&syncer->changed);
		pthread_mutex_destroy(&syncer->mutex);
		free(syncer);
		errno = error;
		return NULL;
	}
	return syncer;
}

void
syncer_free(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->mutex);
	syncer->stopping = true;
	pthread_cond_signal(&syncer->changed);
	pthread_mutex_unlock(&syncer->mutex);
	pthread_join(syncer->thread, NULL);
	syncer_flush(syncer);
	pthread_cond_destroy(&syncer->changed);
	pthread_mutex_destroy(&syncer->mutex);
	free(syncer);
}

int
syncer_note(struct syncer *syncer, int fd)
{
	pthread_mutex_lock(&syncer->mutex);
	bool noted = syncer->fd >= 0;
	pthread_mutex_unlock(&syncer->mutex);
	if (noted)
		return 0;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return -1;
	put(syncer, own);
	return 0;
}

void
syncer_flush(struct syncer *syncer)
{
	int fd = take(syncer);
	if (fd < 0)
		return;
	(void)sync_and_tell(syncer, fd);
	close(fd);
}
