/* SPDX-License-Identifier: ISC */
/*
 * What stands between the bytes of a connection and its frame where packed frames are allowed: at the start of a line a
 * zero byte begins one,
 *
 *	[length, 4 bytes, big-endian][gzip: one member or more, of so many bytes together]
 *
 * and what is packed in it goes into the frame as if it had been sent plain, its end ending its last line.  (No
 * line of JSON begins with a zero byte, so a length is less than 16 MiB.)  All other bytes pass as they are.
 *
 *	data       start         end            cap
 *	  | poured | to be poured | free room     |
 *
 * It is poured in pieces no larger than the frame's room, so what is held in memory does not depend on
 * what was packed; zlib's state is there within a packed frame only.
 *
 * A packed frame that is no gzip, or is a bomb, has one verdict, in its place among the lines; what was unpacked of it
 * before is as good as any line, and the rest is skipped by its length.
 *
 * Pure but for the heap.  One thread at a time.
 */
#ifndef CORE_UNPACK_H
#define CORE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/frame.h"
#include "core/reply.h"

/*
 * A frame is a bomb when it is unpacked to more than UNPACK_FREE_BYTES and to more than UNPACK_RATIO times what was
 * read of it.  Measured, records of 120 bytes that differ in their time to the microsecond alone are packed 34 times, those
 * of 4,000 bytes 134 times.  Only what is repeated to the letter comes near a bomb, which has up to 1032, and that gets
 * through in batches as shippers send them.
 */
enum { UNPACK_HEAD_BYTES = 4, UNPACK_FREE_BYTES = 8 * 1024 * 1024, UNPACK_RATIO = 200 };

struct z_stream_s;

struct unpack {
	char *data;
	size_t start, end, cap;
	size_t first_bytes; /* the capacity to begin with */
	int state;
	unsigned char head[UNPACK_HEAD_BYTES];
	size_t head_bytes;         /* of the head that have come */
	size_t left;               /* of the packed bytes that have not been taken */
	uint64_t packed, unpacked; /* bytes taken and made of this frame so far */
	struct z_stream_s *stream; /* NULL outside a packed frame */
};

enum unpack_event {
	UNPACK_MORE,   /* all that was read is in the frame: read more */
	UNPACK_POURED, /* there is more in the frame: take its lines, then ask again */
	UNPACK_REFUSED, /* take them, drop what is left (frame_drop_line), give the verdict, ask again */
	UNPACK_FAILED, /* errno ENOMEM; the connection cannot go on */
};

/* first_bytes >= 1 is the first capacity.  Allocates nothing yet. */
void unpack_init(struct unpack *unpack, size_t first_bytes);
void unpack_fini(struct unpack *unpack);

/*
 * The room to read into, at least one byte: *room bytes from the pointer returned.  Only after UNPACK_MORE, when all
 * has been poured.  Grows where the last read filled it.  NULL with errno ENOMEM.
 */
char *unpack_room(struct unpack *unpack, size_t *room);

/* The caller has put `n` bytes into the room. */
void unpack_fill(struct unpack *unpack, size_t n);

/*
 * Pours the next piece into the frame, from which all lines must have been taken.  UNPACK_REFUSED: *verdict is
 * VERDICT_INVALID or VERDICT_TOO_LONG.
 */
enum unpack_event unpack_pour(
	struct unpack *unpack, struct frame *frame, size_t max_line_bytes, enum verdict *verdict);

/* Whether a packed frame has begun that is not over; *refused: it has had its verdict. */
bool unpack_inside(const struct unpack *unpack, bool *refused);

/* Gives back what an idle connection does not need. */
void unpack_cool(struct unpack *unpack);

#endif
