/* SPDX-License-Identifier: ISC */
/* Bytes to lines: blank and over-long lines, every way of cutting the stream, the buffer's bounds. */
#include "core/frame.h"

#include <string.h>

#include "unit/tap.h"

enum { MAX_LINE = 10 };

/* Puts the bytes in; they fit, because the frame has yielded its lines before. */
static void
feed(struct frame *frame, const char *bytes, size_t len)
{
	size_t room;
	char *to = frame_room(frame, MAX_LINE, &room);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT_FATAL(len <= room);
	memcpy(to, bytes, len);
	frame_fill(frame, len);
}

/* Appends what the frame yields: the lines between [ ], over-long ones as [!]. */
static void
collect(struct frame *frame, bool finished, char *out)
{
	struct slice line;
	enum frame_event event;
	while ((event = frame_next(frame, MAX_LINE, finished, &line)) != FRAME_MORE) {
		size_t at = strlen(out);
		if (event == FRAME_TOO_LONG)
			snprintf(out + at, 256 - at, "[!]");
		else
			snprintf(out + at, 256 - at, "[%.*s]", (int)line.len, line.data);
	}
}

/* Feeds the text in pieces of `piece` bytes and then the end. */
static void
cut_up(const char *text, size_t piece, size_t first_bytes, char *out)
{
	struct frame frame;
	frame_init(&frame, first_bytes);
	out[0] = '\0';
	for (size_t at = 0, len = strlen(text); at < len;) {
		size_t room;
		CU_ASSERT_PTR_NOT_NULL_FATAL(frame_room(&frame, MAX_LINE, &room));
		size_t n = piece < room ? piece : room;
		n = n < len - at ? n : len - at;
		feed(&frame, text + at, n);
		at += n;
		collect(&frame, false, out);
		CU_ASSERT(frame.cap <= (first_bytes > MAX_LINE + 1 ? first_bytes : MAX_LINE + 1));
	}
	collect(&frame, true, out);
	frame_fini(&frame);
}

static const struct {
	const char *text, *lines;
} streams[] = {
	{"a\nbc\n", "[a][bc]"},
	{"\n \t\v\f\r\n\r\na\n\n", "[a]"},
	{"  a b \r\n", "[a b]"},
	{"a\nlast", "[a][last]"},
	{"a\n  ", "[a]"},
	{"", ""},
	{"0123456789\n", "[0123456789]"},
	{"0123456789", "[0123456789]"},
	{"01234567890\nok\n", "[!][ok]"},
	{"01234567890", "[!]"},
	{"012345678901234567890123456789012345678901234567890\nok\n", "[!][ok]"},
	{"                                        \nok\n", "[ok]"},
	{"                                       x\nok\n", "[!][ok]"},
	{"x                                        \nok\n", "[!][ok]"},
	{"         x \nok\n", "[!][ok]"},
	{"01234567890\n01234567890\n\nok", "[!][!][ok]"},
	{"01234567890123\r\n0123456789\n", "[!][0123456789]"},
};

static void
every_cut(void)
{
	char out[256];
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		for (size_t first = 1; first < 40; first++) {
			for (size_t piece = 1; piece < 60; piece++) {
				cut_up(streams[i].text, piece, first, out);
				CU_ASSERT_STRING_EQUAL(out, streams[i].lines);
			}
		}
	}
}

static void
no_newline_no_line(void)
{
	struct frame frame;
	char out[256] = "";
	frame_init(&frame, 64);
	feed(&frame, "a\nb", 3);
	collect(&frame, false, out);
	CU_ASSERT_STRING_EQUAL(out, "[a]");
	feed(&frame, "c\n", 2);
	collect(&frame, false, out);
	CU_ASSERT_STRING_EQUAL(out, "[a][bc]");
	frame_fini(&frame);
}

static void
told_at_once(void)
{
	struct frame frame;
	char out[256] = "";
	frame_init(&frame, 64);
	feed(&frame, "01234567890", 11);
	collect(&frame, false, out);
	CU_ASSERT_STRING_EQUAL(out, "[!]");
	CU_ASSERT_EQUAL(frame.start, frame.end);
	frame_fini(&frame);
}

static void
nul_bytes(void)
{
	struct frame frame;
	struct slice line;
	frame_init(&frame, 64);
	feed(&frame, "a\0b\n", 4);
	CU_ASSERT_EQUAL(frame_next(&frame, MAX_LINE, false, &line), FRAME_LINE);
	CU_ASSERT_EQUAL(line.len, 3);
	frame_fini(&frame);
}

static void
memory(void)
{
	struct frame frame;
	char out[256] = "";
	size_t room;
	frame_init(&frame, 4);
	CU_ASSERT_EQUAL(frame.cap, 0);
	frame_room(&frame, 1000, &room);
	CU_ASSERT_EQUAL(room, 4);
	frame_warm(&frame, 1000, 6);
	CU_ASSERT_EQUAL(frame.cap, 6);
	frame_warm(&frame, 4, 1000);
	CU_ASSERT_EQUAL(frame.cap, 6);
	frame_warm(&frame, 1000, 1000);
	CU_ASSERT_EQUAL(frame.cap, 12);
	feed(&frame, "x\nabc", 5);
	collect(&frame, false, out);
	frame_cool(&frame);
	CU_ASSERT_EQUAL(frame.cap, 4);
	feed(&frame, "\n", 1);
	collect(&frame, false, out);
	CU_ASSERT_STRING_EQUAL(out, "[x][abc]");
	frame_cool(&frame);
	CU_ASSERT_EQUAL(frame.cap, 0);
	frame_fini(&frame);
}

static void
cool_while_skipping(void)
{
	struct frame frame;
	char out[256] = "";
	frame_init(&frame, 64);
	feed(&frame, "01234567890", 11);
	collect(&frame, false, out);
	frame_cool(&frame);
	feed(&frame, "rest\nok\n", 8);
	collect(&frame, false, out);
	CU_ASSERT_STRING_EQUAL(out, "[!][ok]");
	frame_fini(&frame);
}

/* MaxLineLength is live: a line that was short enough a moment ago may be too long now. */
static void
lowered_limit(void)
{
	struct frame frame;
	struct slice line;
	size_t room;
	frame_init(&frame, 8);
	memcpy(frame_room(&frame, 100, &room), "01234567", 8);
	frame_fill(&frame, 8);
	CU_ASSERT_EQUAL(frame_next(&frame, 100, false, &line), FRAME_MORE);
	CU_ASSERT_PTR_NOT_NULL(frame_room(&frame, 5, &room));
	CU_ASSERT(room > 0);
	CU_ASSERT_EQUAL(frame_next(&frame, 5, false, &line), FRAME_TOO_LONG);
	CU_ASSERT_EQUAL(frame_next(&frame, 5, false, &line), FRAME_MORE);
	frame_fini(&frame);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the same lines however the stream is cut, within the buffer's bound", every_cut},
		{"a line without newline waits for the rest", no_newline_no_line},
		{"an over-long line is told before it ends", told_at_once},
		{"NUL bytes are bytes", nul_bytes},
		{"memory: nothing at first, warm grows within bounds, cool gives back", memory},
		{"a silence inside an over-long line leaves the stream in step",
			cool_while_skipping},
		{"a limit lowered below a waiting line", lowered_limit},
		{NULL, NULL},
	};
	return tap_main("frame", cases);
}
