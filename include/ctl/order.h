/* SPDX-License-Identifier: ISC */
/*
 * Orders to the daemon: a signal to its supervisor, and then a look at the scoreboard until it is carried
 * out.  Each returns an exit status and has said what became of it.
 */
#ifndef CTL_ORDER_H
#define CTL_ORDER_H

#include <stdint.h>

#include "ctl/target.h"

enum { ORDER_FAILED = 1 };

/*
 * Signals and waits at most timeout_ms until the new settings are in force in every worker.  ORDER_FAILED with the
 * errors when they are not; EX_TEMPFAIL when the time is over.
 */
int order_reload(struct target *target, int64_t timeout_ms);

/* The same, until no worker writes to the old log file any more. */
int order_reopen(struct target *target, int64_t timeout_ms);

/* The same, until the supervisor is gone. */
int order_stop(struct target *target, int64_t timeout_ms);

#endif
