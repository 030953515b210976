/* SPDX-License-Identifier: ISC */
/*
 * Carries one batch after the other to an engine, through its driver, for as long as that takes: opens, publishes, waits for the word, and
 * where that is bad closes, backs off with jitter and begins anew with the same bytes and the same id.  One thread.
 */
#ifndef FORWARD_COURIER_H
#define FORWARD_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "forward/driver.h"

enum {
	COURIER_FIRST_MS = 100,  /* the first back-off; each next one is twice as long, */
	COURIER_MOST_MS = 15000, /* up to this, */
	COURIER_REFUSED_MS =
		5000, /* and from this on where we were refused; a random part of it is left out */
};

enum courier_news {
	COURIER_DONE,    /* the engine has the batch */
	COURIER_WAITING, /* not yet */
	COURIER_AWAY,    /* nor soon: the engine does not answer */
	COURIER_REFUSED, /* or does not want it */
};

struct courier {
	const struct forward_driver *driver;
	const struct forward_target *target;
	void *state; /* the driver's; NULL: it is not open */
	bool published;
	unsigned failures; /* in a row */
	int64_t retry_ms;  /* when to try again, monotonic clock */
	enum courier_news news;
	bool too_large;   /* it was refused because it is so long, and is not there */
	uint64_t retries; /* batches that were published again */
	char why[FORWARD_WHY_MAX];
};

/* The driver and the target must outlive the courier. */
void courier_init(struct courier *courier, const struct forward_driver *driver,
	const struct forward_target *target);

/* Goes on with the batch, the same one until it is done; waits for wait_ms at the most. */
enum courier_news courier_carry(
	struct courier *courier, const struct forward_batch *batch, int wait_ms);

/* Another batch is carried in place of the one that was refused, at once. */
void courier_begin_again(struct courier *courier);

/* What is on its way is not to be carried any more.  Closes the driver; also for the end. */
void courier_give_up(struct courier *courier);

#endif
