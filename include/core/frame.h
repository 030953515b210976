/* SPDX-License-Identifier: ISC */
/*
 * Bytes to lines: the input buffer of one connection.
 *
 *	data     start         scanned         end          cap
 *	  | taken  | no newline here | not seen yet | free room |
 *
 * Invariant: start <= scanned <= end <= cap.  The buffer begins at the size given
 * to frame_init(), grows while one line needs it, up to the longest line that is
 * allowed and its newline, and never beyond.  A line that is longer is reported once,
 * as soon as that is certain and it is known not to be blank; what is left of it
 * is skipped as it arrives, so that the stream stays in step.
 *
 * Pure but for the heap.  One thread at a time.
 */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct frame {
	char *data;
	size_t start, scanned, end, cap;
	size_t first_bytes; /* the size that an idle connection's buffer goes back to */
	bool skipping;      /* inside a line that is too long, */
	bool skipped_text;  /* which has been reported */
	uint64_t newlines; /* taken so far: a change means that the line begun now is another one */
};

enum frame_event {
	FRAME_MORE,     /* no whole line: read more */
	FRAME_LINE,     /* *line: white space stripped, not empty */
	FRAME_TOO_LONG, /* a line of more than max_line_bytes; *line is empty */
};

/* first_bytes >= 1 is the first capacity.  Allocates nothing yet. */
void frame_init(struct frame *frame, size_t first_bytes);
void frame_fini(struct frame *frame);

/*
 * The room to read into, at least one byte: *room bytes from the pointer returned.
 * Moves the bytes not yet taken to the front (slices from frame_next() are void from
 * then on) and grows the buffer when they fill it.  Returns NULL with errno ENOMEM.
 */
char *frame_room(struct frame *frame, size_t max_line_bytes, size_t *room);

/* The caller has put `n` bytes into the room. */
void frame_fill(struct frame *frame, size_t n);

/*
 * The next line.  Blank lines are passed over.  With `finished`, what stands
 * behind the last newline is a line too (the client has sent its FIN).
 * *line points into the buffer and holds until frame_room() or frame_cool().
 */
enum frame_event frame_next(
	struct frame *frame, size_t max_line_bytes, bool finished, struct slice *line);

/*
 * Forgets what has arrived of a line that will not go on; when frame_next() has said FRAME_MORE.  Returns whether it
 * was reported already, as too long.
 */
bool frame_drop_line(struct frame *frame);

/* Whether a line has begun to arrive that has no newline yet; when frame_next() has said FRAME_MORE. */
bool frame_line_begun(const struct frame *frame);

/*
 * Offers a bigger buffer to a connection whose reads fill it: doubles the capacity up to
 * `limit` bytes and the longest line.  No harm when memory is short.
 */
void frame_warm(struct frame *frame, size_t max_line_bytes, size_t limit);

/* Gives back what an idle connection does not need. */
void frame_cool(struct frame *frame);

#endif
