/* SPDX-License-Identifier: ISC */
/*
 * One connection's side of the protocol: bytes in, batches out, answers in order.  It
 * knows no socket, no file and no clock.  A batch goes through these calls once:
 *
 *	session_collect   lines that the input holds                    -> how many tokens to ask for
 *	session_judge     tokens granted, policy, time                  -> records to append
 *	session_settle    stored, or not                                -> answers to send
 *
 * One thread at a time.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/batch.h"
#include "core/frame.h"
#include "core/policy.h"

enum { SESSION_BATCH_LINES = 2048 }; /* bounds what one batch can need of memory */

struct session {
	struct frame frame;
	struct slice client;  /* textual address; the owner of the session owns it, */
	struct slice subject; /* and that of the client's certificate: see core/format.h */
	bool silent;          /* no answers are wanted */
	enum verdict refusal; /* session_refuse(); VERDICT_RECEIVED: none */
	struct batch *batch;  /* lent by the caller for the calls below, which all work on it */
};

/* `client` must outlive the session.  Allocates nothing yet. */
void session_init(struct session *session, size_t first_bytes, struct slice client);
void session_fini(struct session *session);

/*
 * Takes the next batch of at most SESSION_BATCH_LINES lines from the frame; forgets the batch
 * before it.  Returns how many lines there are, each of which costs a token; 0 means: read
 * more.  -1 with errno ENOMEM.  `finished`: the client has sent its FIN.
 */
int64_t session_collect(struct session *session, const struct policy *policy, bool finished);

/*
 * What comes next in the stream is not to be had: behind the lines that the frame still has, session_collect() gives one
 * line this verdict, which is no VERDICT_RECEIVED.  What has come of a line without its end is dropped; where that is
 * one reported as too long already, another VERDICT_TOO_LONG is not given.
 */
void session_refuse(struct session *session, enum verdict verdict);

/*
 * Judges the batch: the first `granted` lines on their merits, the others as limited.
 * The batch's records hold what is to be stored (nothing with persistence off).
 */
void session_judge(struct session *session, const struct policy *policy, int64_t granted,
	const struct clock_time *now);

/*
 * The records were stored (or there was none), or none of them was: writes one answer for each line, in
 * order, into the batch's replies (none where the session is silent) and counts the verdicts.  0, or -1 with errno ENOMEM: the answers cannot
 * be given, the connection has to be closed; the verdicts are counted all the same.
 */
int session_settle(struct session *session, bool stored);

#endif
