/* SPDX-License-Identifier: ISC */
/*
 * Opens, locks, repairs and appends.  Everything between lock() and unlock() is written so that a
 * kill at any instruction leaves either the file as it was or a note of how long it was.
 */
#include "store/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/relax.h"
#include "store/folder.h"
#include "store/rotate.h"

enum { LOGFILE_MODE = 0640, LOCK_TRIES = 20 };

/* The end of the file, as found under the lock. */
struct end {
	int64_t length; /* bytes */
	bool open_line; /* the last byte is no newline */
};

/* *waited: another process had it.  As it has it for a write only, sleeping is worth while after some tries. */
static int
lock(int fd, bool *waited)
{
	int tries = LOCK_TRIES;
	*waited = false;
	while (flock(fd, tries > 0 ? LOCK_EX | LOCK_NB : LOCK_EX) != 0) {
		if (errno == EWOULDBLOCK) {
			*waited = true;
			tries--;
			relax();
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static void
unlock(int fd)
{
	int saved = errno;
	while (flock(fd, LOCK_UN) != 0 && errno == EINTR)
		;
	errno = saved;
}

static int
cut(int fd, int64_t length)
{
	while (ftruncate(fd, length) != 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int
look_at_last_byte(int fd, struct end *end)
{
	char last = '\n';
	ssize_t got;
	do
		got = pread(fd, &last, 1, end->length - 1);
	while (got < 0 && errno == EINTR);
	end->open_line = last != '\n';
	return got < 0 ? -1 : 0;
}

/* 1: the path leads to the file; 0: to another one, or to none; or -1 with errno. */
static int
path_leads_to(const struct logfile *logfile)
{
	struct stat st;
	if (fstatat(AT_FDCWD, logfile->path, &st, 0) != 0)
		return errno == ENOENT ? 0 : -1;
	return st.st_ino == logfile->identity.ino && st.st_dev == logfile->identity.dev;
}

/*
 * Whether it can still be found by its name, when it has so many links: one that is no more may be the log's, and what is left the
 * spool's, or somebody's.
 */
static bool
has_name(struct logfile *logfile, nlink_t links)
{
	/* One that is only to be mended has no path. */
	if (links == 0 || logfile->path == NULL)
		return links != 0;
	if (links != logfile->links && path_leads_to(logfile) != 0)
		logfile->links = links;
	return links == logfile->links;
}

/* Somebody has emptied the file, and it counts anew: for the forwarder, what is written from now on is not what was there. */
static int
renew(struct logfile *logfile)
{
	/* Before the link has another name: whoever writes next looks for it. */
	mark_count_rotation(logfile->mark, logfile->identity.file);
	if (spool_renew(logfile->spool, &logfile->identity, &logfile->segment) == 0 ||
		errno == ENOENT)
		errno = ESTALE;
	return -1;
}

/* Cuts off what a dead writer left, and says where the file ends.  0, or -1 with errno. */
static int
repair(struct logfile *logfile, struct end *end)
{
	struct stat st;
	if (fstat(logfile->fd, &st) != 0)
		return -1;
	uint64_t file = logfile->identity.file;
	int64_t noted = mark_find(logfile->mark, file), whole = mark_whole(logfile->mark, file);
	*end = (struct end){.length = st.st_size};
	/*
	 * A note may be old: its writer's user had no daemon here since.  A file that is shorter than noted was emptied:
	 * never make it longer.  One that is longer than the append would have made it holds what others were told is stored.
	 */
	if (mark_torn(logfile->mark, file, st.st_size)) {
		if (cut(logfile->fd, noted) != 0)
			return -1;
		end->length = noted;
	}
	mark_end(logfile->mark, file, -1);
	if (!has_name(logfile, st.st_nlink)) {
		errno = ESTALE;
		return -1;
	}
	if (logfile->spool >= 0 && (end->length < whole || end->length < logfile->end))
		return renew(logfile);
	if (end->length == 0 || end->length == mark_whole(logfile->mark, file))
		return 0;
	return look_at_last_byte(logfile->fd, end);
}

/*
 * Whether the file still has a name and is `whole` bytes long.  Its times are not asked for: once seen they would
 * have to be made anew, and finer, with the next write.
 */
static bool
is_as_noted(struct logfile *logfile, int64_t whole)
{
	struct statx st;
	return statx(logfile->fd, "", AT_EMPTY_PATH, STATX_NLINK | STATX_SIZE, &st) == 0 &&
	       (int64_t)st.stx_size == whole && has_name(logfile, st.stx_nlink);
}

/*
 * Says where the file ends, with one look where all is well.  Not before the lock: others who heed it, but
 * write no notes here, may have appended to the file, emptied or removed it until we got it.  0, or -1 with errno.
 */
static int
find_end(struct logfile *logfile, struct end *end)
{
	uint64_t file = logfile->identity.file;
	int64_t whole = mark_whole(logfile->mark, file);
	if (whole < 0 || mark_find(logfile->mark, file) >= 0 || !is_as_noted(logfile, whole))
		return repair(logfile, end);
	*end = (struct end){.length = whole};
	return 0;
}

/*
 * Whether the path still leads to this file.  It is looked up where the rule says rotate, and, whatever
 * the rule, when a rotation was begun since the last look: settings reach the processes one by one.
 * 0, or -1 with errno.
 */
static int
check_name(struct logfile *logfile)
{
	uint64_t rotations = mark_rotations(logfile->mark, logfile->identity.file) + 1;
	if (logfile->rotation.bytes == 0 && logfile->rotations == rotations)
		return 0;
	int leads = path_leads_to(logfile);
	if (leads < 0)
		return -1;
	if (!leads || (logfile->spool >= 0 && !spool_has(logfile->spool, &logfile->segment))) {
		errno = ESTALE;
		return -1;
	}
	logfile->rotations = rotations;
	return 0;
}

/* Rotates where these bytes would be too many: then it fails with ESTALE. */
static int
make_room(struct logfile *logfile, const struct end *end, int64_t bytes)
{
	logfile->rotate_error = 0;
	if (logfile->rotation.bytes == 0 || bytes == 0 || end->length == 0 ||
		end->length + end->open_line + bytes <= logfile->rotation.bytes)
		return 0;
	/* Counted before the first rename: a death between the two makes the others look, no more. */
	mark_count_rotation(logfile->mark, logfile->identity.file);
	if (rotate_shift(logfile->path, logfile->rotation.keep) != 0) {
		logfile->rotate_error = errno;
		return 0;
	}
	errno = ESTALE;
	return -1;
}

static int64_t
total(const struct iovec *iov, size_t count)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += (int64_t)iov[i].iov_len;
	return bytes;
}

/* Skips n bytes of the vector. */
static void
consume(struct iovec **iov, size_t *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0 && n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

/* Writes the whole vector; counts the bytes that went out, also of a vector that did not. */
static int
write_all(int fd, struct iovec *iov, size_t count, int64_t *written)
{
	consume(&iov, &count, 0);
	while (count > 0) {
		ssize_t n = writev(fd, iov, count < IOV_MAX ? (int)count : IOV_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		*written += n;
		consume(&iov, &count, (size_t)n);
	}
	return 0;
}

/*
 * Takes back what of an append has reached the file.  Where somebody has emptied the file
 * meanwhile, our bytes do not begin at the old length but as far from the end as they are many.
 */
static int
take_back(int fd, const struct end *end, int64_t written)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -1;
	int64_t keep = st.st_size - written;
	if (keep > end->length)
		keep = end->length;
	if (keep < 0)
		keep = 0;
	return keep < st.st_size ? cut(fd, keep) : 0;
}

static int
append_locked(struct logfile *logfile, struct iovec *iov, size_t count, bool sync)
{
	struct end end;
	uint64_t file = logfile->identity.file;
	if (find_end(logfile, &end) != 0 || check_name(logfile) != 0 ||
		make_room(logfile, &end, total(iov, count)) != 0)
		return -1;
	char newline[] = "\n";
	struct iovec line_end = {newline, end.open_line ? 1 : 0};
	int64_t written = 0;
	mark_begin(logfile->mark, file, end.length, end.open_line + total(iov, count));
	if (write_all(logfile->fd, &line_end, 1, &written) == 0 &&
		write_all(logfile->fd, iov, count, &written) == 0 &&
		(!sync || logfile_sync(logfile->fd) == 0)) {
		logfile->end = end.length + written;
		mark_end(logfile->mark, file, logfile->end);
		return 0;
	}
	int saved = errno;
	/* Where even this fails the note stays, and the next one to take the lock cuts. */
	if (take_back(logfile->fd, &end, written) == 0)
		mark_end(logfile->mark, file, -1);
	errno = saved;
	return -1;
}

int
logfile_append(struct logfile *logfile, struct iovec *iov, size_t count, bool sync)
{
	if (lock(logfile->fd, &logfile->waited) != 0)
		return -1;
	int result = append_locked(logfile, iov, count, sync);
	unlock(logfile->fd);
	return result;
}

int
logfile_mend(struct logfile *logfile)
{
	struct end end;
	if (lock(logfile->fd, &logfile->waited) != 0)
		return -1;
	int result = repair(logfile, &end);
	unlock(logfile->fd);
	return result;
}

int
logfile_sync(int fd)
{
	while (fdatasync(fd) != 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* The name of a new file has to survive a crash too, or its synced records do not. */
static int
open_or_make(int folder, const char *name)
{
	int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY;
	int fd = openat(folder, name, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = openat(folder, name, flags | O_CREAT, LOGFILE_MODE);
	if (fd >= 0)
		folder_sync(folder);
	return fd;
}

/*
 * A pipe or a device takes nothing back, and a pipe that nobody reads would hold every writer
 * for ever.
 */
static int
open_regular(int folder, const char *name)
{
	struct stat st;
	int fd = open_or_make(folder, name);
	/* What fails here fails in the append as well, and is told there. */
	if (fd < 0 || fstat(fd, &st) != 0 || S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EMEDIUMTYPE;
	return -1;
}

static int
open_in(const char *dir, const char *name)
{
	int folder = folder_open(dir);
	if (folder < 0)
		return -1;
	int fd = open_regular(folder, name);
	int saved = errno;
	close(folder);
	errno = saved;
	return fd;
}

int
logfile_open(struct logfile *logfile, const char *dir, const char *name, struct logfile_mark *mark)
{
	*logfile = (struct logfile){.fd = -1, .mark = mark, .spool = -1};
	char *path;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -1;
	logfile->path = path;
	logfile->fd = open_in(dir, name);
	if (logfile->fd < 0 || identity_of(&logfile->identity, logfile->fd) != 0) {
		int saved = errno;
		logfile_close(logfile);
		errno = saved;
		return -1;
	}
	/* An empty append repairs. */
	(void)logfile_append(logfile, NULL, 0, false);
	return 0;
}

int
logfile_hold(struct logfile *logfile, const char *spool)
{
	bool waited;
	int folder = spool_open(spool);
	if (folder < 0 || lock(logfile->fd, &waited) != 0)
		goto failed;
	int held = spool_identity(folder, &logfile->spool_id);
	if (held == 0)
		held = spool_hold(
			folder, AT_FDCWD, logfile->path, &logfile->identity, &logfile->segment);
	unlock(logfile->fd);
	if (held != 0)
		goto failed;
	logfile->spool = folder;
	return 0;
failed:;
	int saved = errno;
	if (folder >= 0)
		close(folder);
	errno = saved;
	return -1;
}

int
logfile_try(const char *dir, const char *name)
{
	int fd = open_in(dir, name);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

void
logfile_close(struct logfile *logfile)
{
	if (logfile->fd >= 0)
		close(logfile->fd);
	if (logfile->spool >= 0)
		close(logfile->spool);
	logfile->fd = logfile->spool = -1;
	free(logfile->path);
	logfile->path = NULL;
}
