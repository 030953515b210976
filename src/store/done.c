/* SPDX-License-Identifier: ISC */
/* A small file of lines: file, offset, when; the newest first. */
#include "store/done.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/spool.h"

enum { FIELD_BYTES = 17, LINE_BYTES = 3 * FIELD_BYTES, TEXT_BYTES = DONE_FILES * LINE_BYTES + 1 };

enum field { FIELD_FILE, FIELD_OFFSET, FIELD_NUMBER };

/* In the place of an offset. */
#define EMPTIED INT64_MAX

#define DONE "done"

/* Whole lines; none where there is no file. */
static struct slice
read_all(int spool, char text[static TEXT_BYTES])
{
	int saved = errno;
	ssize_t len = spool_read_file(spool, DONE, text, TEXT_BYTES);
	errno = saved;
	return (struct slice){text, len < 0 ? 0 : (size_t)len / LINE_BYTES * LINE_BYTES};
}

static uint64_t
field(const char *line, enum field which)
{
	return strtoull(line + (size_t)which * FIELD_BYTES, NULL, 16);
}

/* The file's line, or NULL. */
static const char *
find(struct slice notes, uint64_t file)
{
	for (const char *line = notes.data; line < notes.data + notes.len; line += LINE_BYTES) {
		if (field(line, FIELD_FILE) == file)
			return line;
	}
	return NULL;
}

int64_t
done_find(int spool, const struct identity *identity)
{
	return done_find_since(spool, identity, 0);
}

int64_t
done_find_since(int spool, const struct identity *identity, uint64_t number)
{
	char text[TEXT_BYTES];
	const char *line = find(read_all(spool, text), identity->file);
	int64_t offset = line == NULL ? 0 : (int64_t)field(line, FIELD_OFFSET);
	return offset == EMPTIED || (line != NULL && field(line, FIELD_NUMBER) < number) ? 0
	                                                                                 : offset;
}

bool
done_emptied_since(int spool, const struct identity *identity, uint64_t number)
{
	char text[TEXT_BYTES];
	const char *line = find(read_all(spool, text), identity->file);
	return line != NULL && field(line, FIELD_OFFSET) == EMPTIED &&
	       field(line, FIELD_NUMBER) > number;
}

uint64_t
done_last(int spool)
{
	char text[TEXT_BYTES];
	struct slice notes = read_all(spool, text);
	uint64_t last = 0;
	for (const char *line = notes.data; line < notes.data + notes.len; line += LINE_BYTES) {
		if (field(line, FIELD_NUMBER) > last)
			last = field(line, FIELD_NUMBER);
	}
	return last;
}

/* Those of `fresh`, then those of other files that were there. */
static int
put_first(int spool, struct slice fresh)
{
	char text[TEXT_BYTES];
	struct slice old = read_all(spool, text);
	struct buf out = {0};
	int failed = buf_append(&out, fresh);
	for (const char *line = old.data; line < old.data + old.len; line += LINE_BYTES) {
		if (out.len < TEXT_BYTES - 1 && find(fresh, field(line, FIELD_FILE)) == NULL)
			failed |= buf_append(&out, (struct slice){line, LINE_BYTES});
	}
	int result = failed ? -1 : spool_write_file(spool, DONE, out.data, out.len);
	buf_fini(&out);
	return result;
}

/* Not less than the number of any segment that was made up to now: they follow the clock where it goes forward. */
static uint64_t
number_now(int spool)
{
	uint64_t last = spool_last_number(spool), now = (uint64_t)clock_read().wall_us;
	return last == UINT64_MAX || last < now ? now : last;
}

int
done_add(int spool, const struct identity *identity, int64_t offset)
{
	char line[LINE_BYTES + 1];
	int len = snprintf(line, sizeof line, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
		identity->file, (uint64_t)offset, number_now(spool));
	return put_first(spool, (struct slice){line, (size_t)len});
}

int
done_add_emptied(int spool, const struct identity *identity)
{
	return done_add(spool, identity, EMPTIED);
}

int
done_inherit(int spool, int from)
{
	char text[TEXT_BYTES];
	struct slice notes = read_all(from, text);
	return notes.len == 0 ? 0 : put_first(spool, notes);
}
