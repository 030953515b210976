/* SPDX-License-Identifier: ISC */
/* Reads and writes the file of paths. */
#include "forward/moves.h"

#include <bsd/string.h>
#include <errno.h>
#include <unistd.h>

#include "store/spool.h"

#define BEFORE "before"

void
moves_read(struct moves *moves, const char *spool)
{
	int folder = spool_open(spool);
	moves->text[0] = '\0';
	if (folder < 0)
		return;
	if (spool_read_file(folder, BEFORE, moves->text, sizeof moves->text) < 0)
		moves->text[0] = '\0';
	close(folder);
}

static int
write_file(const struct moves *moves, const char *spool)
{
	int folder = spool_open(spool);
	if (folder < 0)
		return -1;
	int result = moves->text[0] == '\0'
	                     ? unlinkat(folder, BEFORE, 0)
	                     : spool_write_file(folder, BEFORE, moves->text, strlen(moves->text));
	if (result != 0 && moves->text[0] == '\0' && errno == ENOENT)
		result = 0;
	int saved = errno;
	close(folder);
	errno = saved;
	return result;
}

/* The line at `at`, without its end; NULL: there is none. */
static const char *
next_line(const char **at, size_t *len)
{
	const char *line = *at, *end = strchr(line, '\n');
	if (end == NULL)
		return NULL;
	*len = (size_t)(end - line);
	*at = end + 1;
	return line;
}

/* One that is the last already is not added again. */
static void
add(struct moves *moves, const char *path, size_t path_len)
{
	const char *at = moves->text, *line, *last = "";
	size_t len, last_len = 0, used = strlen(moves->text);
	while ((line = next_line(&at, &len)) != NULL) {
		last = line;
		last_len = len;
	}
	if ((path_len == last_len && memcmp(path, last, last_len) == 0) ||
		used + path_len + 2 > sizeof moves->text)
		return;
	memcpy(moves->text + used, path, path_len);
	memcpy(moves->text + used + path_len, "\n", 2);
}

/* What the old one has shipped may have a link in the new one. */
static int
inherit(const char *from, const char *to)
{
	int old = spool_open(from), new = spool_open(to);
	int result = old < 0 || new < 0 ? -1 : spool_inherit(new, old);
	int saved = errno;
	if (old >= 0)
		close(old);
	if (new >= 0)
		close(new);
	errno = saved;
	return result;
}

int
moves_change(struct moves *moves, const char *from, const char *to)
{
	struct moves old;
	const char *at = old.text, *line;
	size_t len;
	moves_read(&old, from);
	moves_read(moves, to);
	while ((line = next_line(&at, &len)) != NULL)
		add(moves, line, len);
	add(moves, from, strlen(from));
	if (inherit(from, to) != 0 || write_file(moves, to) != 0)
		return -1;
	old.text[0] = '\0';
	return write_file(&old, from);
}

bool
moves_nth(const struct moves *moves, int n, char path[static FORWARDING_SPOOL_BYTES])
{
	const char *at = moves->text;
	size_t len;
	const char *line = next_line(&at, &len);
	while (line != NULL && n-- > 0)
		line = next_line(&at, &len);
	if (line == NULL || len >= FORWARDING_SPOOL_BYTES)
		return false;
	memcpy(path, line, len);
	path[len] = '\0';
	return true;
}

int
moves_done(struct moves *moves, const char *spool)
{
	const char *at = moves->text;
	size_t len;
	if (next_line(&at, &len) != NULL)
		memmove(moves->text, at, strlen(at) + 1);
	return write_file(moves, spool);
}
