/* SPDX-License-Identifier: ISC */
/* The spool as it is read: names, lists, small files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/spool.h"

enum { FILE_MODE = 0640, ROOM_FIRST = 16 };

void
spool_write_name(struct segment *segment)
{
	snprintf(segment->name, sizeof segment->name,
		"%016" PRIx64 "-%016" PRIx64 "-%" PRIx64 "-%" PRIx64, segment->number,
		(uint64_t)segment->created_us, segment->inode, (uint64_t)segment->start);
}

bool
spool_read_name(const char *name, struct segment *out)
{
	struct segment segment = {0};
	uint64_t created, start;
	if (sscanf(name, "%16" SCNx64 "-%16" SCNx64 "-%16" SCNx64 "-%16" SCNx64, &segment.number,
		    &created, &segment.inode, &start) != 4)
		return false;
	segment.created_us = (int64_t)created;
	segment.start = (int64_t)start;
	spool_write_name(&segment);
	if (segment.number == 0 || segment.number > SPOOL_NUMBER_MAX || segment.start < 0 ||
		strcmp(name, segment.name) != 0)
		return false;
	*out = segment;
	return true;
}

static int
add(struct segments *segments, const struct segment *segment)
{
	if (segments->count == segments->room) {
		size_t room = segments->room == 0 ? ROOM_FIRST : 2 * segments->room;
		struct segment *items = reallocarray(
			segments->items, room, sizeof *segments->items);
		if (items == NULL)
			return -1;
		segments->items = items;
		segments->room = room;
	}
	segments->items[segments->count++] = *segment;
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct segment *a = left, *b = right;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* A stream of its own: rewinding one that shares our descriptor would move others. */
static DIR *
open_stream(int spool)
{
	int fd = openat(spool, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (stream == NULL && fd >= 0)
		close(fd);
	return stream;
}

int
spool_list_all(int spool, struct segments *out)
{
	struct segment segment;
	const struct dirent *entry;
	DIR *stream = open_stream(spool);
	if (stream == NULL)
		return -1;
	int result = 0;
	out->count = 0;
	while (result == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
		if (spool_read_name(entry->d_name, &segment))
			result = add(out, &segment);
	}
	if (errno != 0)
		result = -1;
	int saved = errno;
	closedir(stream);
	if (out->count > 0)
		qsort(out->items, out->count, sizeof *out->items, compare);
	errno = saved;
	return result;
}

uint64_t
spool_last_number(int spool)
{
	char text[SPOOL_NAME_BYTES];
	uint64_t number = 0;
	if (spool_read_file(spool, SPOOL_NUMBERS, text, sizeof text) > 0)
		number = strtoull(text, NULL, 16);
	return number != 0 && number <= SPOOL_NUMBER_MAX ? number : UINT64_MAX;
}

/*
 * A folder that changes while it is read may show a link and not one that was made before it.  A number is given before its link is
 * made, one at a time: when we begin, all before the last one given have theirs.
 */
int
spool_list(int spool, struct segments *out)
{
	uint64_t before = spool_last_number(spool);
	int result = spool_list_all(spool, out);
	spool_leave_out(out, before, spool_last_number(spool));
	return result;
}

void
spool_leave_out(struct segments *segments, uint64_t before, uint64_t after)
{
	const struct segment *items = segments->items;
	/* A file of numbers that does not know the last link is an old one, put back by somebody. */
	if (segments->count == 0 || items[segments->count - 1].number > after)
		return;
	while (segments->count > 0 && items[segments->count - 1].number > before)
		segments->count--;
}

void
spool_free(struct segments *segments)
{
	free(segments->items);
	*segments = (struct segments){0};
}

static int
fill(int fd, const char *text, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return fsync(fd);
}

int
spool_write_file(int spool, const char *name, const char *text, size_t len)
{
	char fresh[SPOOL_NAME_BYTES];
	snprintf(fresh, sizeof fresh, "%s.new", name);
	int fd = openat(
		spool, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return -1;
	int result = fill(fd, text, len);
	int saved = errno;
	close(fd);
	errno = saved;
	if (result == 0)
		result = renameat(spool, fresh, spool, name);
	if (result == 0)
		folder_sync(spool);
	return result;
}

ssize_t
spool_read_file(int spool, const char *name, char *text, size_t size)
{
	int fd = openat(spool, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, size - 1);
	int saved = errno;
	close(fd);
	errno = saved;
	if (len >= 0)
		text[len] = '\0';
	return len;
}
