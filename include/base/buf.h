/* SPDX-License-Identifier: ISC */
/*
 * A byte buffer that grows on the heap.
 *
 *	data          data + len            data + cap
 *	  | bytes written | room for more bytes |
 *
 * Invariant: len <= cap, and data is NULL exactly when cap is 0.  A zeroed
 * struct is an empty buffer.  One thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/slice.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

/* Frees the bytes; the buffer is empty and usable again. */
void buf_fini(struct buf *buf);

/* As buf_reserve(), when there is no room. */
char *buf_grow(struct buf *buf, size_t more);

/*
 * Makes room for `more` bytes behind the written ones, doubling the capacity
 * as needed.  Returns where they go, or NULL (errno ENOMEM, the buffer as it
 * was).  The pointer holds until the next call that can grow the buffer.
 */
static inline char *
buf_reserve(struct buf *buf, size_t more)
{
	if (buf->cap - buf->len >= more && buf->data != NULL)
		return buf->data + buf->len;
	return buf_grow(buf, more);
}

/* What has been written into the room, up to `end`, belongs to the buffer. */
static inline void
buf_extend(struct buf *buf, const char *end)
{
	buf->len = (size_t)(end - buf->data);
}

/* Appends the bytes.  0, or -1 with errno ENOMEM and the buffer as it was. */
int buf_append(struct buf *buf, struct slice bytes);

/* Appends as printf would, without the NUL.  0, or -1 with errno ENOMEM. */
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *buf, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Appends one NUL that len does not count, so that data is a C string; NULL on ENOMEM. */
const char *buf_string(struct buf *buf);

/* Forgets the bytes, keeps the memory. */
static inline void
buf_clear(struct buf *buf)
{
	buf->len = 0;
}

static inline struct slice
buf_slice(const struct buf *buf)
{
	return (struct slice){buf->data, buf->len};
}

#endif
