/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a stream: the lines that the frame cuts it into, whatever the reads, against a
 * splitter that has the whole stream before it.  The input's head says how: three bytes for
 * the first buffer, the longest line and the cuts.  The rest is the stream.
 */
#include "core/frame.h"

#include <stdint.h>
#include <stdlib.h>

#include "fuzz/expect.h"

enum { HEAD_BYTES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct splitter {
	struct slice left;
};

/* What frame_next() has to say, the slow and simple way; FRAME_MORE at the end. */
static enum frame_event
split_next(struct splitter *splitter, size_t max_line_bytes, struct slice *line)
{
	while (splitter->left.len > 0) {
		struct slice left = splitter->left;
		size_t len = 0;
		while (len < left.len && left.data[len] != '\n')
			len++;
		size_t taken = len < left.len ? len + 1 : len;
		splitter->left = (struct slice){left.data + taken, left.len - taken};
		*line = slice_trim((struct slice){left.data, len});
		if (line->len > 0)
			return len > max_line_bytes ? FRAME_TOO_LONG : FRAME_LINE;
	}
	return FRAME_MORE;
}

static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 16;
}

static void
check_invariants(const struct frame *frame, size_t max_line_bytes)
{
	size_t largest = max_line_bytes + 1;
	EXPECT(frame->start <= frame->scanned);
	EXPECT(frame->scanned <= frame->end);
	EXPECT(frame->end <= frame->cap);
	EXPECT(frame->cap <= (largest > frame->first_bytes ? largest : frame->first_bytes));
}

/* Takes all lines that there are. */
static void
drain(struct frame *frame, struct splitter *splitter, size_t max_line_bytes, bool finished)
{
	struct slice line, expected = {NULL, 0};
	enum frame_event event;
	while ((event = frame_next(frame, max_line_bytes, finished, &line)) != FRAME_MORE) {
		EXPECT(event == split_next(splitter, max_line_bytes, &expected));
		EXPECT(event == FRAME_LINE ? slice_equal(line, expected) : line.len == 0);
		check_invariants(frame, max_line_bytes);
	}
}

/* As connections do: now and then a bigger buffer is offered, or memory given back. */
static void
resize(struct frame *frame, size_t max_line_bytes, uint32_t dice)
{
	if (dice % 8 == 0)
		frame_warm(frame, max_line_bytes, dice / 8 % 512);
	if (dice % 8 == 1)
		frame_cool(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD_BYTES)
		return 0;
	size_t max_line_bytes = 1 + data[1] % 64u;
	uint32_t random = data[2];
	struct slice stream = {(const char *)data + HEAD_BYTES, size - HEAD_BYTES};
	struct splitter splitter = {stream};
	struct slice last = {NULL, 0};
	struct frame frame;
	frame_init(&frame, 1 + data[0] % 64u);
	while (stream.len > 0) {
		size_t room, most = 1 + next_random(&random) % 32;
		char *to = frame_room(&frame, max_line_bytes, &room);
		EXPECT(to != NULL);
		EXPECT(room > 0);
		check_invariants(&frame, max_line_bytes);
		size_t n = room < most ? room : most;
		n = n < stream.len ? n : stream.len;
		memcpy(to, stream.data, n);
		frame_fill(&frame, n);
		stream = (struct slice){stream.data + n, stream.len - n};
		drain(&frame, &splitter, max_line_bytes, false);
		resize(&frame, max_line_bytes, next_random(&random));
		check_invariants(&frame, max_line_bytes);
	}
	drain(&frame, &splitter, max_line_bytes, true);
	EXPECT(split_next(&splitter, max_line_bytes, &last) == FRAME_MORE);
	frame_fini(&frame);
	return 0;
}
