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
#include <stdatomic.h>

#include "base/clock.h"
#include "store/outlet.h"

enum { JOURNAL_GROUP_MAX = 1024 };

/* Records, or else a target, or else a generation. */
struct request {
	struct slice records;
	int64_t wall_us;
	struct target *target;
	uint64_t generation;

	STAILQ_ENTRY(request) next;
	sem_t woken;
	bool leads;          /* woken to lead, not because it is settled */
	int error;           /* settled: 0, or why nothing of it is stored; */
	struct position end; /* and where it ends at the latest */
};

STAILQ_HEAD(request_list, request);

struct journal {
	pthread_mutex_t mutex; /* guards the queue and the lead */
	struct request_list queue;
	bool led; /* somebody leads; while nobody does the queue is empty */

	/* what follows is the leader's own */
	struct outlet outlet;
	struct iovec vector[JOURNAL_GROUP_MAX]; /* not on the stacks of a thousand idle threads */
};

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

/* 0, or the error number that every request of the group gets. */
static int
perform(struct journal *journal, const struct request_list *group)
{
	const struct request *first = STAILQ_FIRST(group);
	struct outlet *outlet = &journal->outlet;
	if (first->records.len > 0)
		return outlet_append(
			outlet, first->wall_us, journal->vector, fill_vector(journal, group));
	if (first->target != NULL)
		outlet_retarget(outlet, first->target, clock_read().wall_us);
	else
		outlet_reopen(outlet, first->generation, clock_read().wall_us);
	return 0;
}

/* Whether a request can be written together with the first one of its group. */
static bool
fits(const struct journal *journal, const struct request *request, const struct request *first)
{
	return first->records.len > 0 && request->records.len > 0 &&
	       outlet_period(&journal->outlet, request->wall_us) ==
	               outlet_period(&journal->outlet, first->wall_us);
}

static void
take_group(struct journal *journal, struct request_list *group)
{
	STAILQ_INIT(group);
	const struct request *first = STAILQ_FIRST(&journal->queue);
	struct request *request;
	for (size_t n = 0; n < JOURNAL_GROUP_MAX; n++) {
		request = STAILQ_FIRST(&journal->queue);
		if (request == NULL || (n > 0 && !fits(journal, request, first)))
			break;
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
settle(struct request_list *group, const struct request *own, int error, struct position end)
{
	struct request *request;
	while ((request = STAILQ_FIRST(group)) != NULL) {
		STAILQ_REMOVE_HEAD(group, next);
		request->error = error;
		request->end = end;
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
	int error = perform(journal, &group);
	struct position end = outlet_end(&journal->outlet);
	hand_over(journal);
	settle(&group, own, error, end);
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

/* Queues the request and returns when it is settled: 0, or -1 with errno. */
static int
pass(struct journal *journal, struct request *request)
{
	sem_init(&request->woken, 0, 0);
	/* Once queued the request is not ours alone: the lead may be handed to it before enqueue() returns. */
	bool leads = enqueue(journal, request);
	if (!leads) {
		while (sem_wait(&request->woken) != 0)
			assert(errno == EINTR);
		leads = request->leads;
	}
	if (leads)
		lead(journal, request);
	sem_destroy(&request->woken);
	if (request->error != 0)
		errno = request->error;
	return request->error == 0 ? 0 : -1;
}

int
journal_append(struct journal *journal, struct slice records, int64_t wall_us, struct position *end)
{
	if (records.len == 0)
		return 0;
	assert(records.data[records.len - 1] == '\n');
	struct request request = {.records = records, .wall_us = wall_us};
	int result = pass(journal, &request);
	if (end != NULL)
		*end = request.end;
	return result;
}

int
journal_retarget(struct journal *journal, const struct journal_target *target)
{
	struct request request = {.target = target_new(target, &journal->outlet.troubles->syncing)};
	return request.target == NULL ? -1 : pass(journal, &request);
}

void
journal_reopen(struct journal *journal, uint64_t generation)
{
	struct request request = {.generation = generation};
	(void)pass(journal, &request);
}

uint64_t
journal_generation(const struct journal *journal)
{
	return outlet_generation(&journal->outlet);
}

int
journal_open_error(const struct journal *journal)
{
	return outlet_error(&journal->outlet);
}

struct journal *
journal_new(const struct journal_target *target, const struct journal_world *world, int *open_error)
{
	struct journal *journal = calloc(1, sizeof *journal);
	struct target *own = journal != NULL ? target_new(target, &world->troubles->syncing) : NULL;
	if (own == NULL) {
		int saved = errno;
		free(journal);
		errno = saved;
		return NULL;
	}
	STAILQ_INIT(&journal->queue);
	pthread_mutex_init(&journal->mutex, NULL);
	*open_error = outlet_init(&journal->outlet, own, world, clock_read().wall_us);
	return journal;
}

int
journal_try(const struct journal_target *target)
{
	char name[FILENAME_BYTES];
	filename_expand(target->name, clock_read().wall_us / 1000000, name);
	if (logfile_try(target->dir, name) != 0)
		return errno;
	return target->spool == NULL || spool_try(target->spool, target->dir) == 0 ? 0 : errno;
}

void
journal_free(struct journal *journal)
{
	outlet_fini(&journal->outlet);
	pthread_mutex_destroy(&journal->mutex);
	free(journal);
}

uint64_t
journal_lock_waits(const struct journal *journal)
{
	return atomic_load_explicit(&journal->outlet.lock_waits, memory_order_relaxed);
}
