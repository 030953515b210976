/* SPDX-License-Identifier: ISC */
/* The growing byte buffer. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

enum { BUF_FIRST_BYTES = 256 };

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

char *
buf_grow(struct buf *buf, size_t more)
{
	if (more > SIZE_MAX / 4 - buf->len) {
		errno = ENOMEM;
		return NULL;
	}
	size_t cap = buf->cap > 0 ? buf->cap : BUF_FIRST_BYTES;
	while (cap - buf->len < more)
		cap *= 2;
	char *data = realloc(buf->data, cap);
	if (data == NULL)
		return NULL;
	buf->data = data;
	buf->cap = cap;
	return data + buf->len;
}

int
buf_append(struct buf *buf, struct slice bytes)
{
	char *room = buf_reserve(buf, bytes.len);
	if (room == NULL)
		return -1;
	if (bytes.len > 0)
		memcpy(room, bytes.data, bytes.len);
	buf->len += bytes.len;
	return 0;
}

int
buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	char *room = len < 0 ? NULL : buf_reserve(buf, (size_t)len + 1);
	if (room == NULL)
		return -1;
	vsnprintf(room, (size_t)len + 1, format, args);
	buf->len += (size_t)len;
	return 0;
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int result = buf_vprintf(buf, format, args);
	va_end(args);
	return result;
}

const char *
buf_string(struct buf *buf)
{
	char *end = buf_reserve(buf, 1);
	if (end == NULL)
		return NULL;
	*end = '\0';
	return buf->data;
}
