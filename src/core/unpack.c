/* SPDX-License-Identifier: ISC */
/* Packed frames between plain lines.  What is done with the next byte depends on the state alone. */
#include "core/unpack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	ROOM_BYTES_MAX = 64 * 1024,
	GZIP_ONLY = 16 + MAX_WBITS, /* to inflateInit2() */
};

enum state {
	AT_LINE, /* where a line may begin, or a packed frame */
	IN_LINE,
	IN_HEAD,
	IN_BODY,
	AT_END,   /* of a packed frame that was good: its last line has to end */
	SKIPPING, /* of a packed frame that was refused */
	STATES,
};

/* What a step came to; one of enum unpack_event, or: */
enum { STEP_ON = -1 };

struct pouring {
	struct frame *frame;
	size_t max_line_bytes;
	enum verdict verdict;
};

void
unpack_init(struct unpack *unpack, size_t first_bytes)
{
	assert(first_bytes > 0);
	*unpack = (struct unpack){.first_bytes = first_bytes};
}

static void
end_stream(struct unpack *unpack)
{
	if (unpack->stream != NULL)
		inflateEnd(unpack->stream);
	free(unpack->stream);
	unpack->stream = NULL;
}

void
unpack_fini(struct unpack *unpack)
{
	end_stream(unpack);
	free(unpack->data);
	*unpack = (struct unpack){.first_bytes = unpack->first_bytes};
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
next_cap(const struct unpack *unpack)
{
	if (unpack->cap == 0)
		return unpack->first_bytes;
	bool filled = unpack->end == unpack->cap && unpack->cap < ROOM_BYTES_MAX;
	return filled ? smaller(unpack->cap * 2, ROOM_BYTES_MAX) : unpack->cap;
}

char *
unpack_room(struct unpack *unpack, size_t *room)
{
	assert(unpack->start == unpack->end);
	size_t cap = next_cap(unpack);
	if (cap != unpack->cap) {
		char *data = realloc(unpack->data, cap);
		if (data == NULL)
			return NULL;
		unpack->data = data;
		unpack->cap = cap;
	}
	unpack->start = unpack->end = 0;
	*room = unpack->cap;
	return unpack->data;
}

void
unpack_fill(struct unpack *unpack, size_t n)
{
	assert(n <= unpack->cap - unpack->end);
	unpack->end += n;
}

/* Where in plain bytes a packed frame begins: at a zero byte behind a newline.  The end when there is none. */
static const char *
find_packed(const char *first, const char *end)
{
	const char *at = first;
	while ((at = memchr(at, '\0', (size_t)(end - at))) != NULL) {
		if (at > first && at[-1] == '\n')
			return at;
		at++;
	}
	return end;
}

static int
step_plain(struct unpack *unpack, struct pouring *to)
{
	size_t room, n = unpack->end - unpack->start;
	const char *first = unpack->data + unpack->start;
	if (n == 0)
		return UNPACK_MORE;
	char *into = frame_room(to->frame, to->max_line_bytes, &room);
	if (into == NULL)
		return UNPACK_FAILED;
	n = (size_t)(find_packed(first, first + smaller(n, room)) - first);
	memcpy(into, first, n);
	frame_fill(to->frame, n);
	unpack->start += n;
	unpack->state = first[n - 1] == '\n' ? AT_LINE : IN_LINE;
	return UNPACK_POURED;
}

static int
step_line(struct unpack *unpack, struct pouring *to)
{
	if (unpack->start == unpack->end || unpack->data[unpack->start] != '\0')
		return step_plain(unpack, to);
	unpack->head_bytes = 0;
	unpack->state = IN_HEAD;
	return STEP_ON;
}

static int
refuse(struct unpack *unpack, struct pouring *to, enum verdict verdict)
{
	end_stream(unpack);
	unpack->state = SKIPPING;
	to->verdict = verdict;
	return UNPACK_REFUSED;
}

static int
begin_body(struct unpack *unpack)
{
	unpack->packed = unpack->unpacked = 0;
	unpack->stream = calloc(1, sizeof *unpack->stream);
	if (unpack->stream == NULL || inflateInit2(unpack->stream, GZIP_ONLY) != Z_OK) {
		free(unpack->stream);
		unpack->stream = NULL;
		errno = ENOMEM;
		return UNPACK_FAILED;
	}
	unpack->state = IN_BODY;
	return STEP_ON;
}

static int
step_head(struct unpack *unpack, struct pouring *to)
{
	size_t n = smaller(UNPACK_HEAD_BYTES - unpack->head_bytes, unpack->end - unpack->start);
	const unsigned char *head = unpack->head;
	/* Nothing may have been read yet, and then there is no buffer. */
	if (n > 0)
		memcpy(unpack->head + unpack->head_bytes, unpack->data + unpack->start, n);
	unpack->start += n;
	unpack->head_bytes += n;
	if (unpack->head_bytes < UNPACK_HEAD_BYTES)
		return UNPACK_MORE;
	unpack->left = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	return unpack->left > 0 ? begin_body(unpack) : refuse(unpack, to, VERDICT_INVALID);
}

/* One call of inflate(): into the frame's room, from what was read of this packed frame.  Its result. */
static int
inflate_some(struct unpack *unpack, struct frame *frame, char *room, size_t bytes, size_t *made)
{
	z_stream *stream = unpack->stream;
	size_t given = smaller(unpack->end - unpack->start, unpack->left);
	stream->next_in = (unsigned char *)unpack->data + unpack->start;
	stream->avail_in = (uInt)given;
	stream->next_out = (unsigned char *)room;
	stream->avail_out = (uInt)bytes;
	int result = inflate(stream, Z_NO_FLUSH);
	size_t taken = given - stream->avail_in;
	*made = bytes - stream->avail_out;
	unpack->start += taken;
	unpack->left -= taken;
	unpack->packed += taken;
	unpack->unpacked += *made;
	frame_fill(frame, *made);
	return result;
}

/* A member is over: another one follows, or the frame is over, too. */
static void
end_member(struct unpack *unpack)
{
	if (unpack->left > 0) {
		inflateReset(unpack->stream);
		return;
	}
	end_stream(unpack);
	unpack->state = AT_END;
}

static bool
is_bomb(const struct unpack *unpack)
{
	return unpack->unpacked > UNPACK_FREE_BYTES &&
	       unpack->unpacked / UNPACK_RATIO > unpack->packed;
}

static int
step_body(struct unpack *unpack, struct pouring *to)
{
	size_t room, made;
	char *into = frame_room(to->frame, to->max_line_bytes, &room);
	if (into == NULL)
		return UNPACK_FAILED;
	switch (inflate_some(unpack, to->frame, into, room, &made)) {
	case Z_STREAM_END:
		end_member(unpack);
		break;
	case Z_OK:
	case Z_BUF_ERROR: /* nothing came of it, for want of input */
		if (made == 0 && unpack->left == 0)
			return refuse(unpack, to, VERDICT_INVALID);
		if (made == 0 && unpack->start == unpack->end)
			return UNPACK_MORE;
		break;
	case Z_MEM_ERROR:
		errno = ENOMEM;
		return UNPACK_FAILED;
	default:
		return refuse(unpack, to, VERDICT_INVALID);
	}
	if (is_bomb(unpack))
		return refuse(unpack, to, VERDICT_TOO_LONG);
	return made > 0 ? UNPACK_POURED : STEP_ON;
}

static int
step_end(struct unpack *unpack, struct pouring *to)
{
	size_t room;
	char *into = frame_room(to->frame, to->max_line_bytes, &room);
	if (into == NULL)
		return UNPACK_FAILED;
	*into = '\n';
	frame_fill(to->frame, 1);
	unpack->state = AT_LINE;
	return UNPACK_POURED;
}

static int
step_skipping(struct unpack *unpack, struct pouring *to)
{
	(void)to;
	size_t n = smaller(unpack->left, unpack->end - unpack->start);
	unpack->start += n;
	unpack->left -= n;
	if (unpack->left > 0)
		return UNPACK_MORE;
	unpack->state = AT_LINE;
	return STEP_ON;
}

enum unpack_event
unpack_pour(
	struct unpack *unpack, struct frame *frame, size_t max_line_bytes, enum verdict *verdict)
{
	static int (*const steps[STATES])(struct unpack *, struct pouring *) = {
		[AT_LINE] = step_line,
		[IN_LINE] = step_plain,
		[IN_HEAD] = step_head,
		[IN_BODY] = step_body,
		[AT_END] = step_end,
		[SKIPPING] = step_skipping,
	};
	struct pouring to = {.frame = frame, .max_line_bytes = max_line_bytes};
	int came;
	do
		came = steps[unpack->state](unpack, &to);
	while (came == STEP_ON);
	if (came == UNPACK_REFUSED)
		*verdict = to.verdict;
	return (enum unpack_event)came;
}

bool
unpack_inside(const struct unpack *unpack, bool *refused)
{
	*refused = unpack->state == SKIPPING;
	return unpack->state != AT_LINE && unpack->state != IN_LINE;
}

void
unpack_cool(struct unpack *unpack)
{
	if (unpack->start < unpack->end)
		return;
	free(unpack->data);
	unpack->data = NULL;
	unpack->start = unpack->end = unpack->cap = 0;
}
