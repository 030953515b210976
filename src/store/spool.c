/* SPDX-License-Identifier: ISC */
/* Links log files into the spool and out of it. */
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/done.h"
#include "store/folder.h"

enum { FILE_MODE = 0640, NUMBER_TEXT = 32 };

#define NEW "new"

int
spool_open(const char *path)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = open(path, flags);
	if (fd >= 0 || errno != ENOENT || folder_make(path, geteuid(), getegid()) != 0)
		return fd;
	return open(path, flags);
}

/* A bind mount is another file system to linkat(2), though not to stat(2): only trying tells. */
static int
try_link(int folder, int spool)
{
	char name[48];
	snprintf(name, sizeof name, ".try-%ld-%lld", (long)getpid(), (long long)clock_mono_us());
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -1;
	close(fd);
	int result = linkat(folder, name, spool, name, 0);
	int saved = errno;
	unlinkat(folder, name, 0);
	if (result == 0)
		unlinkat(spool, name, 0);
	errno = saved;
	return result;
}

int
spool_try(const char *path, const char *dir)
{
	int spool = spool_open(path);
	int folder = spool < 0 ? -1 : folder_open(dir);
	int result = folder < 0 ? -1 : try_link(folder, spool);
	int saved = errno;
	if (folder >= 0)
		close(folder);
	if (spool >= 0)
		close(spool);
	errno = saved;
	return result;
}

int
spool_identity(int spool, uint64_t *out)
{
	struct identity identity;
	int result = identity_of(&identity, spool);
	*out = identity.file;
	return result;
}

int
spool_identity_at(const char *path, uint64_t *out)
{
	int spool = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (spool < 0)
		return -1;
	int result = spool_identity(spool, out);
	int saved = errno;
	close(spool);
	errno = saved;
	return result;
}

bool
spool_has(int spool, const struct segment *segment)
{
	struct stat st;
	return fstatat(spool, segment->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == segment->inode;
}

/* The numbers' file, locked.  Others have it for a link only.  A descriptor, or -1 with errno. */
static int
lock_numbers(int spool)
{
	int fd = openat(spool, SPOOL_NUMBERS, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	while (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Closes it, which unlocks; the result, with its errno. */
static int
unlock_numbers(int numbers, int result)
{
	int saved = errno;
	close(numbers);
	errno = saved;
	return result;
}

/*
 * Gives the next number, which is noted before it is used: one that came twice would have a writer believe that its records were confirmed
 * long ago.  0, or -1 with errno.
 */
static int
next_number(int numbers, const struct segments *segments, uint64_t noted, uint64_t *number)
{
	char text[NUMBER_TEXT] = "";
	if (pread(numbers, text, sizeof text - 1, 0) < 0)
		return -1;
	uint64_t last = strtoull(text, NULL, 16);
	if (last > SPOOL_NUMBER_MAX)
		last = 0; /* nobody gave it */
	if (segments->count > 0 && segments->items[segments->count - 1].number > last)
		last = segments->items[segments->count - 1].number;
	/* What is noted of files says nothing of a link that comes after it, whichever way the clock has gone since. */
	if (noted > last && noted <= SPOOL_NUMBER_MAX)
		last = noted;
	/* Larger than all of any spool before this one, whose confirmations workers may still see. */
	uint64_t now = (uint64_t)clock_read().wall_us;
	*number = last < now ? now : last + 1;
	if (*number > SPOOL_NUMBER_MAX)
		return errno = EOVERFLOW, -1;
	int len = snprintf(text, sizeof text, "%016" PRIx64 "\n", *number);
	if (pwrite(numbers, text, (size_t)len, 0) != len)
		return -1;
	return fdatasync(numbers);
}

static bool
find(const struct segments *segments, uint64_t inode, struct segment *out)
{
	for (size_t i = segments->count; i-- > 0;) {
		if (segments->items[i].inode != inode)
			continue;
		*out = segments->items[i];
		return true;
	}
	return false;
}

static int
number_it(int numbers, int spool, struct segment *segment)
{
	struct segments segments = {0};
	int result = spool_list_all(spool, &segments);
	if (result == 0)
		result = next_number(numbers, &segments, done_last(spool), &segment->number);
	segment->created_us = clock_read().wall_us;
	spool_write_name(segment);
	spool_free(&segments);
	return result;
}

/*
 * The name may lead elsewhere by now, as somebody renames without asking for the lock: the link is not seen before we have looked what
 * it leads to.
 */
static int
link_checked(int spool, int folder, const char *name, const struct segment *segment)
{
	struct stat st;
	/* Of one who was killed. */
	if (unlinkat(spool, NEW, 0) != 0 && errno != ENOENT)
		return -1;
	if (linkat(folder, name, spool, NEW, AT_SYMLINK_FOLLOW) != 0 ||
		fstatat(spool, NEW, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (st.st_ino == segment->inode && renameat(spool, NEW, spool, segment->name) == 0) {
		folder_sync(spool);
		return 0;
	}
	int saved = st.st_ino == segment->inode ? errno : ESTALE;
	unlinkat(spool, NEW, 0);
	errno = saved;
	return -1;
}

/* What another file with this inode had, in a file system that tells no births, says nothing of this one. */
static int64_t
start_of(int spool, int folder, const char *name, const struct identity *identity)
{
	struct stat st;
	int64_t start = done_find(spool, identity);
	return fstatat(folder, name, &st, 0) == 0 && st.st_size >= start ? start : 0;
}

static int
make_link(int spool, int folder, const char *name, const struct identity *identity,
	struct segment *out)
{
	int numbers = lock_numbers(spool);
	if (numbers < 0)
		return -1;
	*out = (struct segment){
		.inode = identity->ino, .start = start_of(spool, folder, name, identity)};
	int result = number_it(numbers, spool, out);
	if (result == 0)
		result = link_checked(spool, folder, name, out);
	if (errno == ENOENT)
		errno = ESTALE;
	return unlock_numbers(numbers, result);
}

int
spool_hold(int spool, int folder, const char *name, const struct identity *identity,
	struct segment *out)
{
	struct segments segments = {0};
	if (spool_list(spool, &segments) != 0)
		return -1;
	bool found = find(&segments, identity->ino, out);
	spool_free(&segments);
	return found ? 0 : make_link(spool, folder, name, identity, out);
}

bool
spool_renewed(int spool, const struct segment *segment)
{
	struct segments segments = {0};
	struct segment found;
	bool renewed = spool_list(spool, &segments) == 0 &&
	               find(&segments, segment->inode, &found) && found.number > segment->number;
	spool_free(&segments);
	return renewed;
}

int
spool_note(int spool, const struct identity *identity, int64_t offset)
{
	int numbers = lock_numbers(spool);
	return numbers < 0 ? -1 : unlock_numbers(numbers, done_add(spool, identity, offset));
}

int
spool_inherit(int spool, int from)
{
	int numbers = lock_numbers(spool);
	return numbers < 0 ? -1 : unlock_numbers(numbers, done_inherit(spool, from));
}

int
spool_release(int spool, int heir, const struct segment *segment, const struct identity *identity,
	int64_t offset)
{
	struct stat st;
	/* One that has no other name comes not back, and on a full disk only its end makes room for a note. */
	bool last = fstatat(spool, segment->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	            st.st_ino == segment->inode && st.st_nlink == 1;
	if (!last && spool_note(spool, identity, offset) != 0)
		return -1;
	if (!last && heir >= 0 && spool_note(heir, identity, offset) != 0)
		return -1;
	return unlinkat(spool, segment->name, 0) == 0 || errno == ENOENT ? 0 : -1;
}

int
spool_renew(int spool, const struct identity *identity, struct segment *segment)
{
	struct segment fresh = {.inode = segment->inode};
	struct stat st;
	int numbers = lock_numbers(spool);
	if (numbers < 0)
		return -1;
	int result = number_it(numbers, spool, &fresh);
	/* Its name in the log's folder, and this one; a full disk has no room for a note that nobody needs. */
	if (result == 0 && fstatat(spool, segment->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		st.st_nlink > 2)
		result = done_add_emptied(spool, identity);
	if (result == 0)
		result = renameat(spool, segment->name, spool, fresh.name);
	if (result == 0)
		*segment = fresh;
	return unlock_numbers(numbers, result);
}
