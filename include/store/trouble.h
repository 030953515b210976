/* SPDX-License-Identifier: ISC */
/*
 * When to tell the operator about trouble that may come with every append: when it begins, once a
 * minute while it lasts, when it ends, and never more than a few lines a minute, however
 * often it comes and goes.  Pure; one thread at a time.
 */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TROUBLE_REPEAT_MS = 60000,
	TROUBLE_LINES_MAX = 6, /* in TROUBLE_REPEAT_MS */
};

/* Zeroed: no trouble yet. */
struct trouble {
	bool told;            /* the last thing told was that there is trouble, */
	int64_t told_ms;      /* at this time */
	int64_t window_ms;    /* the lines told since then, */
	int32_t window_lines; /* how many */
};

/* It went wrong, or well, at now_ms: whether to say so. */
bool trouble_failed(struct trouble *trouble, int64_t now_ms);
bool trouble_over(struct trouble *trouble, int64_t now_ms);

#endif
