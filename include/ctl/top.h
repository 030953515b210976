/* SPDX-License-Identifier: ISC */
/*
 * `logcollectctl top`: what happens a second, again and again.  On a terminal a screen with keys, else lines of
 * text.  One thread.
 */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "figures/rates.h"

struct top_options {
	int64_t count;    /* how often; 0: for ever */
	int64_t delay_ms; /* between two looks */
	bool plain;       /* lines of text also on a terminal */
};

/* Runs until the count is reached, the user or the daemon ends it.  Returns an exit status. */
int top_run(const struct top_options *options, const struct shared *shared);

#endif
