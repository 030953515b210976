/* SPDX-License-Identifier: ISC */
/*
 * The forwarder process: ships what is in the spool.  No client waits for it, but where AckWhen says so; it may be killed at any moment.
 * struct forwarder_heritage is all that crosses the fork.
 */
#ifndef FORWARD_FORWARDER_H
#define FORWARD_FORWARDER_H

#include <stddef.h>

#include "shm/shared.h"
#include "store/mark.h"

struct forwarder_heritage {
	const struct shared *shared;
	struct logfile_mark *mark;
	/* Called when it works: later messages need no terminal. */
	void (*in_service)(void *context);
	void *context;
};

/*
 * Its whole life.  `channel` is its end of a socket pair with the supervisor, whose orders it follows and which gets
 * a byte every two seconds.  Returns the exit status.
 */
int forwarder_main(const void *heritage, size_t index, int channel);

#endif
