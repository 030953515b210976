/* SPDX-License-Identifier: ISC */
/*
 * Reloads as the supervisor carries them out: what super/reload.h has built is switched to, the workers are told,
 * and whoever has asked finds the outcome on the board.  One thread.
 */
#ifndef SUPER_RELOADING_H
#define SUPER_RELOADING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "super/attendant.h"
#include "super/crew.h"
#include "super/errand.h"
#include "super/supervisor.h"

struct reloading {
	const struct supervisor_plan *plan;
	struct crew *crew;
	struct attendant *attendant, *forwarder;
	struct errands errands;
	uint64_t answering;  /* how many reloads had been asked for when the one under way began */
	struct buf warnings; /* of that one */
};

/*
 * Reloads, and opens the logs anew whatever comes of it.  True: a new generation of workers is wanted, and
 * reloading_end() is to be called when it serves.  False: it is over, well or not.  `held_up`: the newest
 * generation does not get ready; another one takes its place.
 */
bool reloading_begin(struct reloading *reloading, bool held_up);

/* The new generation serves: the older ones may go. */
void reloading_end(struct reloading *reloading);

/* Every process opens the log anew, and the daemon's own. */
void reloading_reopen_logs(const struct reloading *reloading);

void reloading_fini(struct reloading *reloading);

#endif
