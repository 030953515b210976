/* SPDX-License-Identifier: ISC */
/*
 * Requests in flight: kept, in order, until they are answered, so that a lost connection can
 * be made good by sending again.
 *
 *	data      start               sent              len
 *	  | gone    | sent, unanswered  | still to send  |
 *
 * The answer to a line that is too long can come before the line is sent whole.  Then start is
 * ahead of sent: the rest has to follow on this connection, but is not sent again on another.
 *
 * Bounded by a number of lines and by FLIGHT_BYTES, but one line always fits.  Pure but for the
 * heap; one thread at a time.
 */
#ifndef SEND_FLIGHT_H
#define SEND_FLIGHT_H

#include <stdbool.h>

#include "base/buf.h"

enum { FLIGHT_BYTES = 4 << 20 };

struct flight {
	struct buf bytes;
	size_t start, sent;
	size_t *lengths; /* a ring: of each unanswered line with its newline, oldest first */
	size_t window, first, count;
};

/* At most `window` >= 1 lines.  0, or -1 with errno ENOMEM. */
int flight_init(struct flight *flight, size_t window);
void flight_fini(struct flight *flight);

/* Whether there is room for one more line. */
bool flight_has_room(const struct flight *flight);

/* Adds a line (a newline is put behind it); there has to be room.  0, or -1 with errno ENOMEM. */
int flight_push(struct flight *flight, struct slice line);

/* What has to be written next; flight_advance() tells how much of it was. */
struct slice flight_unsent(const struct flight *flight);
void flight_advance(struct flight *flight, size_t n);

/* The oldest unanswered line, without its newline; there has to be one. */
struct slice flight_oldest(const struct flight *flight);

/* Whether the oldest unanswered line is with the server, whole; false when there is none. */
bool flight_is_oldest_sent(const struct flight *flight);

/* The oldest line was answered.  False, and nothing changed, when not a byte of one was sent. */
bool flight_answered(struct flight *flight);

/* The connection is lost: all that is unanswered is to be sent again. */
void flight_rewind(struct flight *flight);

#endif
