/* SPDX-License-Identifier: ISC */
/*
 * A mutex in shared memory that survives the death of its owner.  Nothing that can block,
 * allocate or log happens while one is held, and never are two held at once.
 */
#ifndef SHM_ROBUST_H
#define SHM_ROBUST_H

#include <pthread.h>

/* PTHREAD_PROCESS_SHARED and PTHREAD_MUTEX_ROBUST.  0 or an error number. */
int robust_init(pthread_mutex_t *mutex);

enum robust_lock {
	ROBUST_LOCKED,    /* ours */
	ROBUST_INHERITED, /* ours; its owner died: repair what it guards, then robust_repaired() */
};

/* Waits for the mutex.  A failure that is not the owner's death is a bug and aborts. */
enum robust_lock robust_lock(pthread_mutex_t *mutex);

/* What the mutex guards is sound again. */
void robust_repaired(pthread_mutex_t *mutex);

void robust_unlock(pthread_mutex_t *mutex);

#endif
