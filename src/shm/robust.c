/* SPDX-License-Identifier: ISC */
/*
 * The process-shared robust mutex.  Its callers see two outcomes only; whatever else the C library
 * could answer means that the caller or the memory is broken, and going on would break the
 * other processes too.
 */
#include "shm/robust.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/relax.h"

enum {
	SLEEP_NS_MAX = 10000000,
	SECOND_NS = 1000000000,
	LOOKS = 50, /* it is held for less time than going to sleep takes */
};

int
robust_init(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;
	int error = pthread_mutexattr_init(&attr);
	if (error != 0)
		return error;
	error = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return error;
}

/* Tells ThreadSanitizer, where it is there, of a lock that it does not see being taken. */
void AnnotateRWLockAcquired(const char *file, int line, const volatile void *mutex, long is_write)
	__attribute__((weak));

static struct timespec
soon(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += SLEEP_NS_MAX;
	if (time.tv_nsec >= SECOND_NS) {
		time.tv_nsec -= SECOND_NS;
		time.tv_sec++;
	}
	return time;
}

/*
 * Nobody sleeps in the mutex for long.  A waiter that is killed after it was woken and before it has
 * locked takes the wake-up with it; when the mutex meanwhile went to a third, the other sleepers would
 * sleep on beside a free mutex.  The kernel hands on what a dead owner held, not that.
 */
static int
wait_and_lock(pthread_mutex_t *mutex)
{
	int error = EBUSY;
	for (int looks = 0; error == EBUSY && looks < LOOKS; looks++) {
		if (looks > 0)
			relax();
		error = pthread_mutex_trylock(mutex);
	}
	if (error != EBUSY)
		return error;
	do {
		struct timespec until = soon();
		error = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
	} while (error == ETIMEDOUT);
	if ((error == 0 || error == EOWNERDEAD) && AnnotateRWLockAcquired != NULL)
		AnnotateRWLockAcquired(__FILE__, __LINE__, mutex, 1);
	return error;
}

enum robust_lock
robust_lock(pthread_mutex_t *mutex)
{
	int error = wait_and_lock(mutex);
	if (error == EOWNERDEAD)
		return ROBUST_INHERITED;
	/* ENOTRECOVERABLE: somebody inherited it and unlocked without robust_repaired(). */
	if (error != 0)
		abort();
	return ROBUST_LOCKED;
}

void
robust_repaired(pthread_mutex_t *mutex)
{
	if (pthread_mutex_consistent(mutex) != 0)
		abort();
}

void
robust_unlock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_unlock(mutex) != 0)
		abort();
}
