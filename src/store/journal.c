/* SPDX-License-Identifier: ISC */
/*
 * Group commit.  A request lives on its caller's stack and is in exactly one place: in the queue, in
 * the group of the leader, or woken.  sem_post() on its semaphore is the last thing that anyone else
 * does to it: from then on its owner may have returned.
 *
 * The leader gives up the lead before it wakes its group, so the next write begins
 * while the last one's threads are still being woken.
 */
#include "store/journal.h"

#include <assert.h>
#include <bsd/sys/queue.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "store/syncer.h"
#include "store/trouble.h"

enum { JOURNAL_GROUP_MAX = 1024 };

struct request {
	struct slice records;
	STAILQ_ENTRY(request) next;
	sem_t woken;
	bool leads; /* woken to lead, not because it is settled */
	int error;  /* settled: 0, or why nothing of it is stored */
};

STAILQ_HEAD(request_list, request);

struct journal {
	char *dir, *name, *path;
	bool sync_always;
	struct syncer *syncer; /* NULL unless LogSync is seconds */

	pthread_mutex_t mutex; /* guards the queue and the lead */
	struct request_list queue;
	bool led; /* somebody leads; while nobody does the queue is empty */

	/* what follows is the leader's own */
	struct logfile file;
	bool doubtful; /* the last append failed: try to open the file anew */
	struct trouble trouble;
	struct iovec vector[JOURNAL_GROUP_MAX]; /* not on the stacks of a thousand idle threads */
};

static void
close_file(struct journal *journal)
{
	if (journal->syncer != NULL)
		syncer_flush(journal->syncer);
	logfile_close(&journal->file);
}

/*
 * Opens the file where it is not open, and anew where it is in doubt; the old descriptor is kept
 * until there is a new one, which may be long when clients have used them up.
 */
static int
open_file(struct journal *journal)
{
	if (journal->file.fd >= 0 && !journal->doubtful)
		return 0;
	struct logfile fresh;
	if (logfile_open(&fresh, journal->dir, journal->name, journal->file.mark) != 0)
		return journal->file.fd >= 0 ? 0 : -1;
	close_file(journal);
	journal->file = fresh;
	journal->doubtful = false;
	return 0;
}

static size_t
fill_vector(struct journal *journal, const struct request_list *group)
{
	size_t count = 0;
	const struct request *request;
	STAILQ_FOREACH (request, group, next)
		journal->vector[count++] = (struct iovec){
			(void *)(uintptr_t)request->records.data, request->records.len};
	return count;
}

static int
try_to_store(struct journal *journal, const struct request_list *group)
{
	if (open_file(journal) != 0)
		return -1;
	size_t count = fill_vector(journal, group);
	if (logfile_append(&journal->file, journal->vector, count, journal->sync_always) != 0) {
		journal->doubtful = true;
		return -1;
	}
	if (journal->syncer != NULL && syncer_note(journal->syncer, journal->file.fd) != 0)
		(void)logfile_sync(journal->file.fd);
	return 0;
}

static void
report(struct journal *journal, int error)
{
	struct trouble *trouble = &journal->trouble;
	if (error != 0 && trouble_failed(trouble, clock_mono_ms()))
		errlog_error("%s: cannot store records: %s", journal->path, strerror(error));
	else if (error == 0 && trouble->told && trouble_over(trouble, clock_mono_ms()))
		errlog_info("%s: records are stored again", journal->path);
}

/* 0, or the error number that every request of the group gets. */
static int
store(struct journal *journal, const struct request_list *group)
{
	int error = try_to_store(journal, group) == 0 ? 0 : errno;
	if (error == ESTALE) {
		/* Somebody deleted the file: it is of no use to anyone, make a new one. */
		close_file(journal);
		error = try_to_store(journal, group) == 0 ? 0 : errno;
	}
	report(journal, error);
	return error;
}

static void
take_group(struct journal *journal, struct request_list *group)
{
	STAILQ_INIT(group);
	struct request *request;
	for (size_t n = 0; n < JOURNAL_GROUP_MAX && (request = STAILQ_FIRST(&journal->queue));
		n++) {
		STAILQ_REMOVE_HEAD(&journal->queue, next);
		STAILQ_INSERT_TAIL(group, request, next);
	}
}

static void
hand_over(struct journal *journal)
{
	pthread_mutex_lock(&journal->mutex);
	struct request *heir = STAILQ_FIRST(&journal->queue);
	journal->led = heir != NULL;
	/* The heir stays in the queue, and only who leads takes from it: it cannot vanish. */
	pthread_mutex_unlock(&journal->mutex);
	if (heir != NULL) {
		heir->leads = true;
		sem_post(&heir->woken);
	}
}

static void
settle(struct request_list *group, const struct request *own, int error)
{
	struct request *request;
	while ((request = STAILQ_FIRST(group)) != NULL) {
		STAILQ_REMOVE_HEAD(group, next);
		request->error = error;
		if (request != own)
			sem_post(&request->woken);
	}
}

/* The caller's own request is the first of the queue. */
static void
lead(struct journal *journal, struct request *own)
{
	struct request_list group;
	pthread_mutex_lock(&journal->mutex);
	take_group(journal, &group);
	pthread_mutex_unlock(&journal->mutex);
	int error = store(journal, &group);
	hand_over(journal);
	settle(&group, own, error);
}

/* Queues the request; whether its owner is to lead at once. */
static bool
enqueue(struct journal *journal, struct request *request)
{
	pthread_mutex_lock(&journal->mutex);
	STAILQ_INSERT_TAIL(&journal->queue, request, next);
	bool leads = !journal->led;
	journal->led = true;
	pthread_mutex_unlock(&journal->mutex);
	return leads;
}

int
journal_append(struct journal *journal, struct slice records, int64_t wall_us)
{
	(void)wall_us;
	if (records.len == 0)
		return 0;
	assert(records.data[records.len - 1] == '\n');
	struct request request = {.records = records};
	sem_init(&request.woken, 0, 0);
	/* Once queued the request is not ours alone: the lead may be handed to it before enqueue() returns. */
	bool leads = enqueue(journal, &request);
	if (!leads) {
		while (sem_wait(&request.woken) != 0)
			assert(errno == EINTR);
		leads = request.leads;
	}
	if (leads)
		lead(journal, &request);
	sem_destroy(&request.woken);
	if (request.error != 0)
		errno = request.error;
	return request.error == 0 ? 0 : -1;
}

/* 0, or -1 with errno; whatever was made is in the journal for journal_free(). */
static int
set_up(struct journal *journal, const struct journal_target *target)
{
	journal->dir = strdup(target->dir);
	journal->name = strdup(target->name);
	if (journal->dir == NULL || journal->name == NULL)
		return -1;
	if (asprintf(&journal->path, "%s/%s", target->dir, target->name) < 0) {
		journal->path = NULL;
		return -1;
	}
	if (target->sync > 0)
		journal->syncer = syncer_new(journal->path, target->sync);
	return target->sync > 0 && journal->syncer == NULL ? -1 : 0;
}

struct journal *
journal_new(const struct journal_target *target, struct logfile_mark *mark, int *open_error)
{
	struct journal *journal = calloc(1, sizeof *journal);
	if (journal == NULL)
		return NULL;
	journal->file = (struct logfile){-1, mark};
	journal->sync_always = target->sync == JOURNAL_SYNC_ALWAYS;
	STAILQ_INIT(&journal->queue);
	pthread_mutex_init(&journal->mutex, NULL);
	if (set_up(journal, target) != 0) {
		int saved = errno;
		journal_free(journal);
		errno = saved;
		return NULL;
	}
	*open_error = open_file(journal) == 0 ? 0 : errno;
	report(journal, *open_error);
	return journal;
}

void
journal_free(struct journal *journal)
{
	if (journal->syncer != NULL)
		syncer_free(journal->syncer);
	logfile_close(&journal->file);
	pthread_mutex_destroy(&journal->mutex);
	free(journal->dir);
	free(journal->name);
	free(journal->path);
	free(journal);
}
