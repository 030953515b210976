/* SPDX-License-Identifier: ISC */
/*
 * The monitor process: it only reads what the daemon's processes share, and shows it over HTTP.  No client of the
 * daemon waits for anything that it does; it may be killed, stopped or flooded.  struct monitor_heritage is all that
 * crosses the fork.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stddef.h>

#include "net/listener.h"
#include "shm/shared.h"

struct monitor_heritage {
	const struct listener_set *status; /* where it listens: one socket or more */
	const struct shared *shared;
	/* Called when it serves: later messages need no terminal. */
	void (*in_service)(void *context);
	void *context;
};

/*
 * Its whole life.  `channel` is its end of a socket pair with the supervisor, whose orders it follows and which gets
 * a byte every two seconds.  Returns the exit status.
 */
int monitor_main(const void *heritage, size_t index, int channel);

#endif
