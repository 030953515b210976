/* SPDX-License-Identifier: ISC */
/*
 * Any stream of plain lines and packed frames, good and bad, however it is read, against one that has all of it before
 * it.  The input is how to make it: three bytes for the first buffers, the longest line and the cuts, then
 * pieces, each of which begins with a byte for its kind and one for its length.
 */
#include "core/unpack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/session.h"
#include "lib/packed.h"

enum { HEAD_BYTES = 3, STREAM_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void
put(struct buf *out, struct slice bytes)
{
	if (buf_append(out, bytes) != 0)
		abort();
}

/* A frame of the text with something wrong. */
static void
put_spoiled(struct buf *stream, uint8_t how, struct slice text)
{
	struct buf frame = {0};
	packed_frame(&frame, text);
	size_t body = frame.len - UNPACK_HEAD_BYTES, at = how / 4;
	if (how % 4 == 0)
		frame.data[UNPACK_HEAD_BYTES + at % body] ^= (char)(1 << at % 8);
	else if (how % 4 == 1)
		frame.len -= at % (frame.len + 1);
	else if (how % 4 == 2)
		frame.data[3] = (char)(frame.data[3] + (char)at);
	else
		put(&frame, text);
	put(stream, buf_slice(&frame));
	buf_fini(&frame);
}

static void
put_members(struct buf *stream, struct slice text)
{
	struct buf members = {0};
	packed_member(&members, (struct slice){text.data, text.len / 2});
	packed_member(&members, (struct slice){text.data + text.len / 2, text.len - text.len / 2});
	packed_head(stream, members.len);
	put(stream, buf_slice(&members));
	buf_fini(&members);
}

static void
put_piece(struct buf *stream, uint8_t kind, struct slice text)
{
	switch (kind % 5) {
	case 0:
		put(stream, text);
		break;
	case 1:
		packed_frame(stream, text);
		break;
	case 2:
		put_members(stream, text);
		break;
	case 3:
		put_spoiled(stream, kind / 5, text);
		break;
	default:
		packed_head(stream, text.len);
		put(stream, text);
	}
}

static void
make_stream(struct buf *stream, const uint8_t *data, size_t size)
{
	while (size >= 2 && stream->len < STREAM_MAX) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		put_piece(stream, data[0], (struct slice){(const char *)data + 2, len});
		data += 2 + len;
		size -= 2 + len;
	}
}

static void
carry(struct slice stream, const uint8_t *head, size_t max_line_bytes, struct buf *told)
{
	struct session session;
	struct unpack unpack;
	uint32_t random = head[2];
	session_init(&session, 1 + head[0] % 64u, (struct slice)SLICE("x"));
	unpack_init(&unpack, 1 + head[0] / 4u);
	while (stream.len > 0) {
		size_t n = 1 + next_random(&random) % 64;
		n = n < stream.len ? n : stream.len;
		packed_feed(
			&session, &unpack, (struct slice){stream.data, n}, max_line_bytes, told);
		stream = (struct slice){stream.data + n, stream.len - n};
		if (next_random(&random) % 8 == 0) {
			unpack_cool(&unpack);
			frame_cool(&session.frame);
		}
	}
	packed_finish(&session, &unpack, max_line_bytes, told);
	unpack_fini(&unpack);
	session_fini(&session);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD_BYTES)
		return 0;
	size_t max_line_bytes = 1 + data[1] % 64u;
	struct buf stream = {0}, told = {0}, expected = {0};
	make_stream(&stream, data + HEAD_BYTES, size - HEAD_BYTES);
	carry(buf_slice(&stream), data, max_line_bytes, &told);
	packed_expect(buf_slice(&stream), max_line_bytes, &expected);
	if (!slice_equal(buf_slice(&told), buf_slice(&expected))) {
		fprintf(stderr, "told:\n%.*s\nexpected:\n%.*s\n", (int)told.len, told.data,
			(int)expected.len, expected.data);
		abort();
	}
	buf_fini(&stream);
	buf_fini(&told);
	buf_fini(&expected);
	return 0;
}
