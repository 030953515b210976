/* SPDX-License-Identifier: ISC */
/*
 * Sends all requests of a source and hears an answer to each: one connection, up to a window of
 * lines in flight, both directions at once.  The connection is made when there is something to
 * send.  One that is refused, lost or silent is made again, after a wait that doubles, and what
 * was not answered is sent again in order; so a record whose answer was lost may be stored twice.
 * One thread, no signals needed.
 */
#ifndef SEND_SENDER_H
#define SEND_SENDER_H

#include <stddef.h>
#include <stdint.h>

#include "send/answer.h"
#include "send/refusal.h"
#include "send/source.h"
#include "send/trust.h"

struct sender_options {
	const char *host, *port;
	size_t window;             /* lines in flight, >= 1 */
	int64_t timeout_ms;        /* how long to wait for a connection, for an answer */
	int64_t retries;           /* how many times in a row to try again without an answer */
	const struct trust *trust; /* for TLS; NULL: plain */
};

/* Whom to tell.  All are called from sender_run(). */
struct sender_watch {
	void *context;
	/* The answer to a request; both hold for the call. */
	void (*answered)(void *context, struct slice request, const struct answer *answer);
	/* The connection failed and will be tried again in so many milliseconds. */
	void (*retrying)(void *context, const char *reason, int64_t wait_ms);
	/* Called after every event and at least every tick_ms, where that is not 0. */
	void (*tick)(void *context);
	int64_t tick_ms;
};

enum sender_outcome {
	SENDER_DONE,    /* every request that the source had was answered */
	SENDER_GAVE_UP, /* the retries are used up */
	SENDER_DENIED,  /* the server will not have us, or we not it; see reason */
	SENDER_NO_MEMORY,
};

struct sender_result {
	enum sender_outcome outcome;
	uint64_t unanswered;      /* requests taken from the source without an answer */
	char reason[REFUSAL_MAX]; /* why the last connection failed; "" without a failure */
};

struct sender_result sender_run(const struct sender_options *options,
	const struct sender_watch *watch, struct source *source);

#endif
