/* SPDX-License-Identifier: ISC */
/*
 * A worker process: accepts clients from the shared sockets, gives each a thread, and drains
 * when told to.  struct worker_heritage is all that crosses the fork.
 */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/listener.h"
#include "settings/settings.h"
#include "shm/limiter.h"
#include "shm/roster.h"
#include "shm/scoreboard.h"
#include "store/logfile.h"

/* What a worker inherits; made by the supervisor before the first fork. */
struct worker_heritage {
	const struct settings *settings;
	struct listener_set *listeners;
	struct limiter *limiter;       /* shared */
	struct roster *roster;         /* shared */
	struct scoreboard *scoreboard; /* shared */
	struct logfile_mark *mark;     /* shared */
	/* Called in a worker that has started well: later messages need no terminal. */
	void (*in_service)(void *context);
	void *context;
};

/*
 * The whole life of worker number `index`.  `channel` is its end of a socket pair with the
 * supervisor (super/child.h).  Returns the exit status.
 */
int worker_main(const void *heritage, size_t index, int channel);

/*
 * When all workers have ended: whether one of them was killed in the middle of an append, and the
 * life of a process that takes back what it had begun.
 */
bool worker_left_trace(const void *heritage);
int worker_clean_up(const void *heritage, size_t index, int channel);

#endif
