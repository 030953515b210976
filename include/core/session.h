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

#include "base/buf.h"
#include "base/clock.h"
#include "core/decode.h"
#include "core/frame.h"
#include "core/policy.h"
#include "core/reply.h"

enum { SESSION_BATCH_LINES = 2048 }; /* bounds what one batch can need of memory */

struct session_line {
	struct slice text; /* points into the frame */
	uint8_t verdict;   /* enum verdict */
};

struct session {
	struct frame frame;
	struct decoder decoder;
	struct slice client; /* textual address; the owner of the session owns it */

	/* the batch on its way */
	struct session_line *lines;
	size_t count, lines_cap;
	struct buf records; /* accepted ones, formatted: what is to be appended */
	struct buf replies; /* filled by session_settle() */
	uint64_t verdicts[VERDICTS];
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
 * Judges the batch: the first `granted` lines on their merits, the others as limited.
 * session->records holds what is to be stored (nothing with persistence off).
 */
void session_judge(struct session *session, const struct policy *policy, int64_t granted,
	const struct clock_time *now);

/*
 * The records were stored (or there was none), or none of them was: writes one answer for each line, in
 * order, into session->replies and counts the verdicts.  0, or -1 with errno ENOMEM: the answers cannot
 * be given, the connection has to be closed; the verdicts are counted all the same.
 */
int session_settle(struct session *session, bool stored);

/* How many bytes of heap the session holds, about. */
size_t session_memory(const struct session *session);

/* Gives back what an idle connection does not need; only between batches. */
void session_cool(struct session *session);

#endif
