/* SPDX-License-Identifier: ISC */
/* Packs, carries, and knows what must come of it. */
#include "lib/packed.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/session.h"
#include "core/unpack.h"

enum { GZIP = 16 + MAX_WBITS, RATIO_MAX = 1040 };

static void
put(struct buf *out, struct slice bytes)
{
	if (buf_append(out, bytes) != 0)
		abort();
}

void
packed_head(struct buf *out, size_t length)
{
	const char head[] = {
		(char)(length >> 24), (char)(length >> 16), (char)(length >> 8), (char)length};
	put(out, (struct slice){head, sizeof head});
}

void
packed_member(struct buf *out, struct slice text)
{
	z_stream stream = {
		.next_in = (unsigned char *)(uintptr_t)text.data, .avail_in = (uInt)text.len};
	if (deflateInit2(&stream, 6, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	size_t bound = deflateBound(&stream, text.len);
	char *room = buf_reserve(out, bound);
	if (room == NULL)
		abort();
	stream.next_out = (unsigned char *)room;
	stream.avail_out = (uInt)bound;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += stream.total_out;
	deflateEnd(&stream);
}

void
packed_frame(struct buf *out, struct slice text)
{
	struct buf member = {0};
	packed_member(&member, text);
	packed_head(out, member.len);
	put(out, buf_slice(&member));
	buf_fini(&member);
}

static void
tell(struct buf *told, char letter, struct slice text)
{
	put(told, (struct slice){&letter, 1});
	put(told, text);
	put(told, (struct slice)SLICE("\n"));
}

static void
tell_batch(const struct batch *batch, struct buf *told)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_line *line = &batch->lines[i];
		char letter = line->verdict == VERDICT_RECEIVED   ? 'L'
		              : line->verdict == VERDICT_TOO_LONG ? 'T'
		                                                  : 'I';
		tell(told, letter, line->text);
	}
}

static void
collect(struct session *session, size_t max_line_bytes, bool finished, struct buf *told)
{
	struct policy policy = {.max_line_bytes = (int64_t)max_line_bytes};
	struct batch batch = {.count = 0};
	int64_t lines;
	session->batch = &batch;
	while ((lines = session_collect(session, &policy, finished)) > 0)
		tell_batch(&batch, told);
	if (lines < 0)
		abort();
	batch_fini(&batch);
	session->batch = NULL;
}

static void
pour_all(struct session *session, struct unpack *unpack, size_t max_line_bytes, struct buf *told)
{
	enum unpack_event event;
	enum verdict verdict = VERDICTS;
	while ((event = unpack_pour(unpack, &session->frame, max_line_bytes, &verdict)) !=
		UNPACK_MORE) {
		if (event == UNPACK_FAILED)
			abort();
		if (event == UNPACK_REFUSED)
			session_refuse(session, verdict);
		collect(session, max_line_bytes, false, told);
	}
}

void
packed_feed(struct session *session, struct unpack *unpack, struct slice bytes,
	size_t max_line_bytes, struct buf *told)
{
	while (bytes.len > 0) {
		size_t room;
		char *to = unpack_room(unpack, &room);
		if (to == NULL || room == 0)
			abort();
		size_t n = room < bytes.len ? room : bytes.len;
		memcpy(to, bytes.data, n);
		unpack_fill(unpack, n);
		bytes = (struct slice){bytes.data + n, bytes.len - n};
		pour_all(session, unpack, max_line_bytes, told);
	}
}

void
packed_finish(
	struct session *session, struct unpack *unpack, size_t max_line_bytes, struct buf *told)
{
	bool refused, inside = unpack_inside(unpack, &refused);
	if (inside && !refused)
		session_refuse(session, VERDICT_INVALID);
	collect(session, max_line_bytes, !inside, told);
}

/* One line without its newline; a last one that is dropped is told of only when it is too long already. */
static void
expect_line(struct slice line, size_t max_line_bytes, bool dropped, struct buf *told)
{
	struct slice text = slice_trim(line);
	if (text.len > 0 && line.len > max_line_bytes)
		tell(told, 'T', (struct slice){NULL, 0});
	else if (text.len > 0 && !dropped)
		tell(told, 'L', text);
}

static struct slice
expect_lines(struct slice text, size_t max_line_bytes, struct buf *told)
{
	const char *newline;
	while (text.len > 0 && (newline = memchr(text.data, '\n', text.len)) != NULL) {
		size_t len = (size_t)(newline - text.data);
		expect_line((struct slice){text.data, len}, max_line_bytes, false, told);
		text = (struct slice){newline + 1, text.len - len - 1};
	}
	return text;
}

/* Everything that can be made of the packed bytes, and whether they are gzip to their end. */
static bool
unpack_at_once(struct slice packed, struct buf *out)
{
	size_t room = packed.len * RATIO_MAX + 1;
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)packed.data,
		.avail_in = (uInt)packed.len,
		.avail_out = (uInt)room};
	stream.next_out = (unsigned char *)buf_reserve(out, room);
	if (stream.next_out == NULL || inflateInit2(&stream, GZIP) != Z_OK)
		abort();
	int result;
	while ((result = inflate(&stream, Z_NO_FLUSH)) == Z_STREAM_END && stream.avail_in > 0)
		inflateReset(&stream);
	out->len += room - stream.avail_out;
	inflateEnd(&stream);
	return result == Z_STREAM_END;
}

/* Takes a packed frame off the stream. */
static struct slice
expect_packed(struct slice stream, size_t max_line_bytes, struct buf *told)
{
	const unsigned char *head = (const unsigned char *)stream.data;
	struct buf out = {0};
	bool good = false;
	struct slice packed = {stream.data + 4, 0};
	size_t taken = stream.len;
	if (stream.len >= 4) {
		size_t length = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
		packed.len = length < stream.len - 4 ? length : stream.len - 4;
		good = packed.len > 0 && unpack_at_once(packed, &out) && packed.len == length;
		taken = 4 + packed.len;
	}
	struct slice last = expect_lines(buf_slice(&out), max_line_bytes, told);
	expect_line(last, max_line_bytes, !good, told);
	if (!good)
		tell(told, 'I', (struct slice){NULL, 0});
	buf_fini(&out);
	return (struct slice){stream.data + taken, stream.len - taken};
}

void
packed_expect(struct slice stream, size_t max_line_bytes, struct buf *told)
{
	while (stream.len > 0) {
		if (stream.data[0] == '\0') {
			stream = expect_packed(stream, max_line_bytes, told);
			continue;
		}
		const char *newline = memchr(stream.data, '\n', stream.len);
		size_t len = newline != NULL ? (size_t)(newline - stream.data) : stream.len;
		expect_line((struct slice){stream.data, len}, max_line_bytes, false, told);
		len += newline != NULL;
		stream = (struct slice){stream.data + len, stream.len - len};
	}
}
