/* SPDX-License-Identifier: ISC */
/*
 * A worker process: accepts clients from the shared sockets, gives each a thread, follows the
 * supervisor's orders (core/order.h).  struct worker_heritage is all that crosses the fork.
 */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/listener.h"
#include "net/tls.h"
#include "shm/shared.h"
#include "store/target.h"

/* What a worker inherits; made by the supervisor before the fork. */
struct worker_heritage {
	struct listener_set *listeners;
	struct shared *shared; /* its settings are published before the first fork */
	struct journal_world store;
	struct tls *const *tls; /* NULL where no Listen line wants it */
	/* Called in a worker that has started well: later messages need no terminal. */
	void (*in_service)(void *context);
	void *context;
};

/*
 * The whole life of the worker in a slot.  `channel` is its end of a socket pair with the
 * supervisor.  Returns the exit status.
 */
int worker_main(const void *heritage, size_t slot, int channel);

/* Whether a worker with these settings (a struct settings) could open its log: 0 or an errno. */
int worker_try_log(const void *settings);

/*
 * When all workers have ended: the life of a process that takes back what one that was killed in the middle of an
 * append had begun.
 */
int worker_clean_up(const void *heritage, size_t slot, int channel);

#endif
