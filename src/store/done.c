/* SPDX-License-Identifier: ISC */
/* A small file of lines: file, offset; the newest first. */
#include "store/done.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/spool.h"

enum { LINE_BYTES = 34, TEXT_BYTES = DONE_FILES * LINE_BYTES + 1 };

#define DONE "done"

static ssize_t
read_all(int spool, char text[static TEXT_BYTES])
{
	ssize_t len = spool_read_file(spool, DONE, text, TEXT_BYTES);
	return len < 0 ? 0 : len / LINE_BYTES * LINE_BYTES;
}

static uint64_t
file_of(const char *line)
{
	return strtoull(line, NULL, 16);
}

int64_t
done_find(int spool, const struct identity *identity)
{
	char text[TEXT_BYTES];
	int saved = errno;
	ssize_t len = read_all(spool, text);
	errno = saved;
	for (const char *line = text; line < text + len; line += LINE_BYTES) {
		if (file_of(line) == identity->file)
			return (int64_t)strtoull(line + LINE_BYTES / 2, NULL, 16);
	}
	return 0;
}

int
done_add(int spool, const struct identity *identity, int64_t offset)
{
	char text[TEXT_BYTES];
	struct buf out = {0};
	ssize_t len = read_all(spool, text);
	int failed = buf_printf(
		&out, "%016" PRIx64 " %016" PRIx64 "\n", identity->file, (uint64_t)offset);
	for (const char *line = text; line < text + len; line += LINE_BYTES) {
		if (file_of(line) != identity->file && out.len < TEXT_BYTES - 1)
			failed |= buf_append(&out, (struct slice){line, LINE_BYTES});
	}
	int result = failed ? -1 : spool_write_file(spool, DONE, out.data, out.len);
	buf_fini(&out);
	return result;
}
