/* SPDX-License-Identifier: ISC */
/* The robust mutex: it excludes, and it outlives its owners. */
#include "shm/robust.h"

#include <stdatomic.h>

#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { PROCESSES = 4, THREADS = 2, ROUNDS = 5000 };

struct shared {
	pthread_mutex_t mutex;
	_Atomic int held;
	long number; /* guarded by the mutex */
};

static struct shared *
shared_new(void)
{
	struct shared *shared = region_map(sizeof *shared);
	CU_ASSERT_PTR_NOT_NULL_FATAL(shared);
	CU_ASSERT_EQUAL_FATAL(robust_init(&shared->mutex), 0);
	return shared;
}

static void *
count(void *arg)
{
	struct shared *shared = arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (robust_lock(&shared->mutex) != ROBUST_LOCKED)
			_exit(1);
		shared->number++;
		robust_unlock(&shared->mutex);
	}
	return NULL;
}

static void
count_in_threads(void *arg)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count, arg) != 0)
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void
excludes(void)
{
	struct shared *shared = shared_new();
	pid_t pids[PROCESSES];
	for (int i = 0; i < PROCESSES; i++)
		pids[i] = child_start(count_in_threads, shared);
	for (int i = 0; i < PROCESSES; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	CU_ASSERT_EQUAL(shared->number, PROCESSES * THREADS * ROUNDS);
	region_unmap(shared, sizeof *shared);
}

/* The child's answer to what it found goes out through `held`. */
static void
lock_and_die(void *arg)
{
	struct shared *shared = arg;
	atomic_store(&shared->held, 1 + (int)robust_lock(&shared->mutex));
	raise(SIGKILL);
}

static void
inherited(void)
{
	struct shared *shared = shared_new();
	CU_ASSERT(!child_succeeded(child_start(lock_and_die, shared)));
	CU_ASSERT_EQUAL(atomic_load(&shared->held), 1 + ROBUST_LOCKED);
	CU_ASSERT_EQUAL(robust_lock(&shared->mutex), ROBUST_INHERITED);
	robust_repaired(&shared->mutex);
	robust_unlock(&shared->mutex);
	CU_ASSERT_EQUAL(robust_lock(&shared->mutex), ROBUST_LOCKED);
	robust_unlock(&shared->mutex);
	region_unmap(shared, sizeof *shared);
}

static void
inherited_again(void)
{
	struct shared *shared = shared_new();
	CU_ASSERT(!child_succeeded(child_start(lock_and_die, shared)));
	for (int i = 0; i < 5; i++) {
		CU_ASSERT(!child_succeeded(child_start(lock_and_die, shared)));
		CU_ASSERT_EQUAL(atomic_load(&shared->held), 1 + ROBUST_INHERITED);
	}
	CU_ASSERT_EQUAL(robust_lock(&shared->mutex), ROBUST_INHERITED);
	robust_repaired(&shared->mutex);
	robust_unlock(&shared->mutex);
	region_unmap(shared, sizeof *shared);
}

static void
wait_for_it(void *arg)
{
	struct shared *shared = arg;
	enum robust_lock found = robust_lock(&shared->mutex);
	if (found == ROBUST_INHERITED)
		robust_repaired(&shared->mutex);
	robust_unlock(&shared->mutex);
	_exit(found == ROBUST_INHERITED ? 0 : 1);
}

static void
hold(void *arg)
{
	struct shared *shared = arg;
	robust_lock(&shared->mutex);
	atomic_store(&shared->held, 1);
	for (;;)
		pause();
}

static void
waiter_woken(void)
{
	struct shared *shared = shared_new();
	pid_t holder = child_start(hold, shared);
	while (atomic_load(&shared->held) == 0)
		usleep(100);
	pid_t waiter = child_start(wait_for_it, shared);
	child_kill(holder);
	CU_ASSERT(child_succeeded(waiter));
	region_unmap(shared, sizeof *shared);
}

/* Unlocking what was not repaired loses the mutex for ever: that must not go unnoticed. */
static void
forget_repair(void *arg)
{
	struct shared *shared = arg;
	signal(SIGABRT, SIG_DFL);
	robust_lock(&shared->mutex);
	robust_unlock(&shared->mutex);
	robust_lock(&shared->mutex);
}

static void
lost_aborts(void)
{
	struct shared *shared = shared_new();
	CU_ASSERT(!child_succeeded(child_start(lock_and_die, shared)));
	int status;
	pid_t pid = child_start(forget_repair, shared);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	region_unmap(shared, sizeof *shared);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"threads of several processes exclude each other", excludes},
		{"a dead owner's mutex is inherited, then as good as new", inherited},
		{"who dies before the repair leaves it to the next", inherited_again},
		{"a process that waits inherits from the one that is killed", waiter_woken},
		{"a repair that was forgotten aborts", lost_aborts},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("robust", cases);
}
