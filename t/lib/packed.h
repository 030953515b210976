/* SPDX-License-Identifier: ISC */
/*
 * Streams with packed frames, for the unit test and the fuzzer: how to make one, how a connection carries it, and what
 * has to come of it, said the slow and simple way.  What comes of it is a text: for each line
 * a letter, L and the line, or T (too long) or I (invalid) alone, and a newline.  Whoever has no memory aborts.
 */
#ifndef T_LIB_PACKED_H
#define T_LIB_PACKED_H

#include <stdint.h>

#include "base/buf.h"

struct session;
struct unpack;

/* Appends the head of a packed frame. */
void packed_head(struct buf *out, size_t length);

/* Appends one gzip member. */
void packed_member(struct buf *out, struct slice text);

/* Appends a whole frame of one member. */
void packed_frame(struct buf *out, struct slice text);

/* Reads the bytes at once, as far as there is room, and takes all lines, as a connection does. */
void packed_feed(struct session *session, struct unpack *unpack, struct slice bytes,
	size_t max_line_bytes, struct buf *told);

/* The client's FIN. */
void packed_finish(
	struct session *session, struct unpack *unpack, size_t max_line_bytes, struct buf *told);

/* What has to be told of a whole stream, where nothing in it is a bomb. */
void packed_expect(struct slice stream, size_t max_line_bytes, struct buf *told);

#endif
