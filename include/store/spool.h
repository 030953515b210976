/* SPDX-License-Identifier: ISC */
/*
 * The spool: a folder on the log's file system with one more link to each log file that is still to be forwarded, a segment.  The
 * link keeps what was stored whatever becomes of the file's name: rotated, removed, its inode never used again meanwhile.
 *
 * A writer makes the link under the file's flock before it appends its first byte (store/logfile.h), so that no byte
 * is ever in a file that the forwarder does not see.  The forwarder removes it, under the same flock, when everything was confirmed and a
 * newer segment is there; a writer that comes late notices, and links the file again from where the forwarder was.
 *
 *	0000000000000007-000642a1b2c3d4e5-1f2e3-0	the segment's number, its creation (us), its inode, its first byte
 *	numbers		the last number given; its flock is held while a link is made
 *	new		a link that is being made
 *	done		which files were forwarded lately, and how far
 *	checkpoint, lock	the forwarder's (forward/checkpoint.h)
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/identity.h"

enum { SPOOL_NAME_BYTES = 80 };

#define SPOOL_NUMBERS    "numbers"
#define SPOOL_NUMBER_MAX (UINT64_MAX / 2)

struct segment {
	uint64_t number; /* from 1 to SPOOL_NUMBER_MAX; each is larger than those before it */
	int64_t created_us;
	uint64_t inode;
	int64_t start; /* the bytes before it were forwarded as another segment */
	char name[SPOOL_NAME_BYTES];
};

struct segments {
	struct segment *items; /* by number; on the heap */
	size_t count, room;
};

/* Makes the folder with its parents (0750) where it is missing.  A descriptor, or -1 with errno. */
int spool_open(const char *path);

/* Whether files of the folder `dir` could be linked into it: 0, or -1 with errno, EXDEV for another file system. */
int spool_try(const char *path, const char *dir);

/* Reads and writes the name of a segment.  False: it is something else. */
bool spool_read_name(const char *name, struct segment *out);
void spool_write_name(struct segment *segment);

/* Which spool it is, among all that ever were.  0, or -1 with errno. */
int spool_identity(int spool, uint64_t *out);
int spool_identity_at(const char *path, uint64_t *out);

/*
 * The segments, in place of those that were there.  None is left out that is older than one of them, whatever is linked
 * meanwhile.  0, or -1 with errno.
 */
int spool_list(int spool, struct segments *out);

/* Of those that were listed between two looks at the last number: leaves out what is newer than the first of them. */
void spool_leave_out(struct segments *segments, uint64_t before, uint64_t after);

/* The same with those that are being made: for who holds the lock on the numbers. */
int spool_list_all(int spool, struct segments *out);
void spool_free(struct segments *segments);

/*
 * Finds the link to the file, which is `folder`/name and whose flock the caller holds, or makes it.  0, or -1 with errno: EXDEV is another
 * file system; ESTALE: the name leads to another file.
 */
int spool_hold(int spool, int folder, const char *name, const struct identity *identity,
	struct segment *out);

/* The last number that was given; UINT64_MAX where that is not known. */
uint64_t spool_last_number(int spool);

/* Whether the link is still there. */
bool spool_has(int spool, const struct segment *segment);

/* Finds another link to the same file, a later one: the file has been emptied, and counts anew. */
bool spool_renewed(int spool, const struct segment *segment);

/*
 * For the forwarder, under the file's flock: removes the link of a file that was forwarded up to `offset`, which is noted where the file has
 * another name; also in `heir`, the spool that writers use now, or -1: it is this one.  0, or -1 with errno.
 */
int spool_release(int spool, int heir, const struct segment *segment,
	const struct identity *identity, int64_t offset);

/* For the forwarder, under the file's flock: only notes how far it was forwarded.  0, or -1 with errno. */
int spool_note(int spool, const struct identity *identity, int64_t offset);

/* What another spool knows of files that were forwarded is known here too.  0, or -1 with errno. */
int spool_inherit(int spool, int from);

/*
 * For whoever finds that the file was emptied, under its flock: gives the link another number, beginning at the file's first byte, and notes
 * that for who has a link elsewhere.  0, or -1 with errno; ENOENT: there is no such link any more.
 */
int spool_renew(int spool, const struct identity *identity, struct segment *segment);

/* Writes a small file so that it is there whole, or as it was before, whatever crashes.  0, or -1 with errno. */
int spool_write_file(int spool, const char *name, const char *text, size_t len);

/* Reads one into text, of at most `size` - 1 bytes, and ends it with '\0'.  Its length, or -1 with errno. */
ssize_t spool_read_file(int spool, const char *name, char *text, size_t size);

#endif
