/* SPDX-License-Identifier: ISC */
/* Lines per second over the last ten minutes.  A ring; pure but for the document. */
#ifndef MONITOR_HISTORY_H
#define MONITOR_HISTORY_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "figures/rates.h"

enum { HISTORY_INTERVAL_S = 2, HISTORY_POINTS = 300 };

/* Zeroed: empty. */
struct history {
	double rates[VERDICTS][HISTORY_POINTS]; /* the newest one before `next` */
	size_t next, count;
	int64_t newest_us; /* wall clock; 0: none */
};

/*
 * Adds the rates of all workers together, over so long a time: as many points as it is long, so that each stays where it
 * belongs when nobody could look for a while.  The oldest ones give way.
 */
void history_add(
	struct history *history, const struct rates *rates, int64_t passed_ms, int64_t wall_us);

/*
 * {"interval_seconds": 2, "newest": time, "lines": {verdict: [oldest, ..., newest], ...}}, the caller's.  NULL when
 * there is no memory.
 */
struct json_object *history_document(const struct history *history);

#endif
