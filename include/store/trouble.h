/* SPDX-License-Identifier: ISC */
/*
 * When to tell the operator about trouble that may come with every append, in any worker: when it begins,
 * once a minute at most while it lasts or comes back, and when it ends.  One word in memory that all
 * workers share, so that a hundred of them say it once.
 */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { TROUBLE_REPEAT_MS = 60000 };

/* Zeroed: no trouble yet.  Pointer-free. */
struct trouble {
	_Atomic int64_t
		told_ms; /* when it was told last; negative: its end was told too; 0: never */
};

/* What may go wrong with the log. */
struct troubles {
	struct trouble storing, opening, rotating, syncing;
};

/* It went wrong at now_ms (CLOCK_MONOTONIC, more than 0): whether to say so.  Any thread of any process. */
bool trouble_failed(struct trouble *trouble, int64_t now_ms);

/* It went well where it had gone wrong: whether to say so.  Costs a load where there was no trouble.  Any thread of any process. */
bool trouble_over(struct trouble *trouble);

#endif
