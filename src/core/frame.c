/* SPDX-License-Identifier: ISC */
/* The input buffer of a connection, cut into lines. */
#include "core/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void
frame_init(struct frame *frame, size_t first_bytes)
{
	assert(first_bytes > 0);
	*frame = (struct frame){.first_bytes = first_bytes};
}

void
frame_fini(struct frame *frame)
{
	free(frame->data);
	frame_init(frame, frame->first_bytes);
}

/* The longest line and its newline fit, and never less than the first buffer. */
static size_t
largest_cap(const struct frame *frame, size_t max_line_bytes)
{
	return max_line_bytes + 1 > frame->first_bytes ? max_line_bytes + 1 : frame->first_bytes;
}

static int
resize(struct frame *frame, size_t cap)
{
	char *data = realloc(frame->data, cap);
	if (data == NULL)
		return -1;
	frame->data = data;
	frame->cap = cap;
	return 0;
}

static size_t
doubled(size_t cap, size_t limit)
{
	return cap > limit / 2 ? limit : cap * 2;
}

static void
move_to_front(struct frame *frame)
{
	if (frame->start == 0)
		return;
	memmove(frame->data, frame->data + frame->start, frame->end - frame->start);
	frame->scanned -= frame->start;
	frame->end -= frame->start;
	frame->start = 0;
}

char *
frame_room(struct frame *frame, size_t max_line_bytes, size_t *room)
{
	move_to_front(frame);
	if (frame->end == frame->cap) {
		size_t cap = frame->cap == 0
		                     ? frame->first_bytes
		                     : doubled(frame->cap, largest_cap(frame, max_line_bytes));
		/* A lowered limit leaves a line in the buffer that frame_next() has not yet been
		 * shown. */
		if (cap <= frame->cap)
			cap = frame->cap + 1;
		if (resize(frame, cap) < 0)
			return NULL;
	}
	*room = frame->cap - frame->end;
	return frame->data + frame->end;
}

void
frame_fill(struct frame *frame, size_t n)
{
	assert(n <= frame->cap - frame->end);
	frame->end += n;
}

/* Drops what has arrived of a line that is too long; true when it is to be reported now. */
static bool
skip_line(struct frame *frame)
{
	struct slice rest = {frame->data + frame->start, frame->end - frame->start};
	const char *newline = memchr(rest.data, '\n', rest.len);
	if (newline != NULL)
		rest.len = (size_t)(newline - rest.data);
	bool report = !frame->skipped_text && slice_trim(rest).len > 0;
	frame->skipped_text |= report;
	frame->start += rest.len;
	if (newline != NULL) {
		frame->start++;
		frame->newlines++;
		frame->skipping = frame->skipped_text = false;
	}
	frame->scanned = frame->start;
	return report;
}

/* Takes the bytes up to the next newline, or with `finished` to the end; false when there are none.
 */
static bool
take_line(struct frame *frame, bool finished, struct slice *line)
{
	const char *first = frame->data + frame->start, *end = frame->data + frame->end;
	const char *from = frame->data + frame->scanned;
	const char *newline = memchr(from, '\n', (size_t)(end - from));
	if (newline != NULL) {
		end = newline;
		frame->newlines++;
		frame->start = (size_t)(newline - frame->data) + 1;
	} else if (finished && first < end) {
		frame->start = frame->end;
	} else {
		frame->scanned = frame->end;
		return false;
	}
	frame->scanned = frame->start;
	*line = (struct slice){first, (size_t)(end - first)};
	return true;
}

enum frame_event
frame_next(struct frame *frame, size_t max_line_bytes, bool finished, struct slice *line)
{
	while (frame->start < frame->end) {
		if (frame->skipping) {
			if (skip_line(frame))
				return *line = (struct slice){0}, FRAME_TOO_LONG;
			continue;
		}
		if (!take_line(frame, finished, line)) {
			if (frame->end - frame->start <= max_line_bytes)
				return FRAME_MORE;
			frame->skipping = true;
			continue;
		}
		bool too_long = line->len > max_line_bytes;
		*line = slice_trim(*line);
		if (line->len == 0)
			continue;
		if (too_long)
			return *line = (struct slice){0}, FRAME_TOO_LONG;
		return FRAME_LINE;
	}
	return FRAME_MORE;
}

bool
frame_drop_line(struct frame *frame)
{
	bool reported = frame->skipping && frame->skipped_text;
	frame->start = frame->scanned = frame->end;
	frame->skipping = frame->skipped_text = false;
	frame->newlines++;
	return reported;
}

bool
frame_line_begun(const struct frame *frame)
{
	return frame->start < frame->end || frame->skipping;
}

void
frame_warm(struct frame *frame, size_t max_line_bytes, size_t limit)
{
	size_t largest = largest_cap(frame, max_line_bytes);
	size_t cap = doubled(frame->cap, limit < largest ? limit : largest);
	if (cap > frame->cap)
		(void)resize(frame, cap);
}

void
frame_cool(struct frame *frame)
{
	move_to_front(frame);
	if (frame->end == 0) {
		/* Not frame_fini(): a line that is being skipped goes on being skipped. */
		free(frame->data);
		frame->data = NULL;
		frame->cap = 0;
	} else if (frame->cap > frame->first_bytes && frame->cap > frame->end) {
		(void)resize(
			frame, frame->end > frame->first_bytes ? frame->end : frame->first_bytes);
	}
}
