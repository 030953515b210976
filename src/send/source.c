/* SPDX-License-Identifier: ISC */
/* Reads lines and makes requests of them.  Words and the smoke test are NDJSON that has already
 * been read, so there is one way through. */
#include "send/source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/level.h"
#include "send/request.h"

enum { SOURCE_READ_BYTES = 64 * 1024 };

static int64_t
bytes_ahead(int fd)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	off_t at = lseek(fd, 0, SEEK_CUR);
	return at < 0 || at > st.st_size ? -1 : st.st_size - at;
}

void
source_init_ndjson(struct source *source, int fd)
{
	*source = (struct source){.fd = fd, .total_bytes = bytes_ahead(fd)};
}

void
source_init_text(struct source *source, int fd, struct slice level)
{
	source_init_ndjson(source, fd);
	source->wrap = true;
	source->level = level;
}

static int
add_record(struct source *source, struct slice level, struct slice text)
{
	static const struct slice newline = SLICE("\n");
	if (request_wrap(&source->in, level, text) != 0 || buf_append(&source->in, newline) != 0)
		return -1;
	source->total_bytes = (int64_t)source->in.len;
	return 0;
}

int
source_init_words(struct source *source, struct slice level, char *const *words, size_t count)
{
	static const struct slice space = SLICE(" ");
	struct buf text = {0};
	int result = 0;
	source_init_ndjson(source, -1);
	for (size_t i = 0; i < count && result == 0; i++) {
		if (i > 0)
			result = buf_append(&text, space);
		if (result == 0)
			result = buf_append(&text, slice_of(words[i]));
	}
	if (result == 0)
		result = add_record(source, level, buf_slice(&text));
	buf_fini(&text);
	return result;
}

int
source_init_smoke(struct source *source)
{
	static const struct slice text = SLICE("logsend smoke test");
	source_init_ndjson(source, -1);
	for (enum level level = LEVEL_DEBUG; level <= LEVEL_CRITICAL; level++) {
		if (add_record(source, level_name(level), text) != 0)
			return -1;
	}
	return 0;
}

void
source_fini(struct source *source)
{
	buf_fini(&source->in);
	buf_fini(&source->request);
}

static void
end_with(struct source *source, int error)
{
	source->fd = -1;
	source->error = error;
	if (error != 0)
		source->start = source->in.len;
}

/* A line without its newline; behind the end of the input the rest is one too. */
static bool
take_line(struct source *source, struct slice *line)
{
	struct buf *in = &source->in;
	if (source->start == in->len)
		return false;
	char *newline = memchr(in->data + source->scanned, '\n', in->len - source->scanned);
	source->scanned = in->len;
	if (newline == NULL && source->fd >= 0)
		return false;
	size_t end = newline != NULL ? (size_t)(newline - in->data) : in->len;
	size_t next = newline != NULL ? end + 1 : end;
	*line = (struct slice){in->data + source->start, end - source->start};
	source->taken_bytes += (int64_t)(next - source->start);
	source->start = source->scanned = next;
	return true;
}

static struct slice
without_return(struct slice line)
{
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

enum source_event
source_next(struct source *source, struct slice *request)
{
	struct slice line;
	do {
		if (!take_line(source, &line))
			return source->fd >= 0 ? SOURCE_WAIT : SOURCE_END;
	} while (slice_trim(line).len == 0);
	*request = line;
	if (source->wrap) {
		buf_clear(&source->request);
		if (request_wrap(&source->request, source->level, without_return(line)) != 0) {
			end_with(source, errno);
			return SOURCE_END;
		}
		*request = buf_slice(&source->request);
	}
	return SOURCE_REQUEST;
}

void
source_fill(struct source *source)
{
	struct buf *in = &source->in;
	if (source->start > 0) {
		in->len -= source->start;
		source->scanned -= source->start;
		memmove(in->data, in->data + source->start, in->len);
		source->start = 0;
	}
	/* Text that cannot be wrapped is not worth collecting: think of /dev/zero. */
	if (source->wrap && in->len > REQUEST_TEXT_MAX) {
		end_with(source, EFBIG);
		return;
	}
	char *room = buf_reserve(in, SOURCE_READ_BYTES);
	if (room == NULL) {
		end_with(source, ENOMEM);
		return;
	}
	ssize_t n = read(source->fd, room, SOURCE_READ_BYTES);
	if (n > 0)
		in->len += (size_t)n;
	else if (n == 0)
		end_with(source, 0);
	else if (errno != EINTR && errno != EAGAIN)
		end_with(source, errno);
}
