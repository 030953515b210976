/* SPDX-License-Identifier: ISC */
/* Reads a log file behind its writers' backs. */
#include "forward/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int
tail_open(struct tail *tail, int spool, const struct segment *segment, struct logfile_mark *mark)
{
	*tail = (struct tail){.mark = mark};
	tail->fd = openat(spool, segment->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (tail->fd < 0)
		return -1;
	if (identity_of(&tail->identity, tail->fd) == 0)
		return 0;
	int saved = errno;
	tail_close(tail);
	errno = saved;
	return -1;
}

void
tail_close(struct tail *tail)
{
	if (tail->fd >= 0)
		close(tail->fd);
	tail->fd = -1;
}

static int64_t
size_of(const struct tail *tail)
{
	struct stat st;
	return fstat(tail->fd, &st) == 0 ? st.st_size : -1;
}

int64_t
tail_lock(const struct tail *tail, int64_t *size)
{
	while (flock(tail->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EINTR)
			return -1;
	}
	*size = size_of(tail);
	/* What a dead writer has left is cut off by who writes next; until then it is no part of the log. */
	if (*size >= 0 && mark_torn(tail->mark, tail->identity.file, *size))
		return mark_find(tail->mark, tail->identity.file);
	if (*size < 0)
		tail_unlock(tail);
	return *size;
}

void
tail_unlock(const struct tail *tail)
{
	int saved = errno;
	while (flock(tail->fd, LOCK_UN) != 0 && errno == EINTR)
		;
	errno = saved;
}

int64_t
tail_end(const struct tail *tail, int64_t *size)
{
	/* First the note: a file that was emptied since is shorter, and says so. */
	int64_t whole = mark_whole(tail->mark, tail->identity.file);
	if (whole < 0) {
		int64_t end = tail_lock(tail, size);
		if (end >= 0)
			tail_unlock(tail);
		return end;
	}
	*size = size_of(tail);
	return *size < whole ? *size : whole;
}

/* Fills the buffer up to `len` bytes from the file.  0, or -1 with errno; EIO: the file has become shorter. */
static int
fill(const struct tail *tail, int64_t from, size_t len, struct buf *out)
{
	while (out->len < len) {
		char *room = buf_reserve(out, len - out->len);
		if (room == NULL)
			return -1;
		ssize_t n = pread(tail->fd, room, len - out->len, from + (int64_t)out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		buf_extend(out, room + n);
	}
	return 0;
}

int
tail_read(
	const struct tail *tail, int64_t from, int64_t end, size_t most, bool rest, struct buf *out)
{
	size_t left = (size_t)(end - from), len = left < most ? left : most;
	buf_clear(out);
	for (;; len = left / 2 < len ? left : 2 * len) {
		size_t searched = out->len;
		if (fill(tail, from, len, out) != 0)
			return -1;
		/* The first that ends a line that is longer than `most`; else the last. */
		const char *line_end = searched == 0 ? memrchr(out->data, '\n', out->len)
		                                     : memchr(out->data + searched, '\n',
							       out->len - searched);
		if (line_end != NULL)
			return buf_extend(out, line_end + 1), 0;
		if (len == left) {
			if (!rest)
				buf_clear(out);
			return 0;
		}
	}
}
