/* SPDX-License-Identifier: ISC */
/*
 * The appends under way, in memory that all writers share: which file, and where its append
 * began.  A note stands only while its append does; one that is found by whoever takes the
 * file's flock next was left by a writer that died (or could not cut back what it had written).
 *
 * Writers are at different files at the same time (while one is rotated or was deleted, and because several
 * daemons share the notes), so there are many: each is taken with a compare-and-swap on its file, and is
 * guarded by the flock of that file as long as it is busy.  A note that is not may be taken for another file; until then
 * it tells where the last append ended.  A file's notes stand side by side in a place of its own choice.
 */
#ifndef STORE_MARK_H
#define STORE_MARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MARK_GROUPS = 64, MARK_GROUP_NOTES = 4, MARK_ROTATIONS = 256 };

#define MARK_BUSY UINT64_C(1)

/* Zeroed memory is a valid mark without notes.  Pointer-free. */
struct logfile_mark {
	struct mark_note {
		_Atomic uint64_t
			file; /* from mark_file(), with MARK_BUSY while an append is under way */
		_Atomic int64_t begin; /* its length before the append, plus 1; 0: none */
		_Atomic int64_t
			most; /* while there is one: its length when all of that is written */
		_Atomic int64_t end;   /* its length after the last one, plus 1; 0: not known */
		_Atomic uint64_t turn; /* how often it was taken for another file */
	} notes[MARK_GROUPS][MARK_GROUP_NOTES];
	_Atomic uint64_t rotations[MARK_ROTATIONS];
};

/*
 * A file's name in a mark: never 0, without MARK_BUSY, different for different files.  Numbers of inodes are used again; with its birth
 * (nanoseconds, 0 where the file system does not tell) a new file is not taken for a removed one.
 */
uint64_t mark_file(dev_t dev, ino_t ino, int64_t born_ns);

/*
 * All of these are called under the file's flock.  mark_find() returns the length that the file had
 * before an append that was never ended, or -1; mark_torn() whether one of this length is to be cut back to that: a
 * longer one than the append would have made has grown under others, who did not see the note.  When all notes of a group are busy (of
 * writers that died in files that nobody opened again), mark_begin() does nothing: the append goes unguarded.
 * mark_end() is told the length that the file has now when its last line is whole, or -1.
 */
int64_t mark_find(const struct logfile_mark *mark, uint64_t file);
bool mark_torn(const struct logfile_mark *mark, uint64_t file, int64_t length);
void mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length, int64_t bytes);
void mark_end(struct logfile_mark *mark, uint64_t file, int64_t length);

/* The length at which the last append has left the file, with its last line whole; -1: not known. */
int64_t mark_whole(const struct logfile_mark *mark, uint64_t file);

/*
 * Frees notes that say nothing, and those of groups that have no free one: they would leave appends unguarded for ever.
 * Only while nobody appends.
 */
void mark_tidy(struct logfile_mark *mark);

/*
 * Counts the rotations of this file by anyone, and of the few that share its counter; without a lock.  Whoever sees
 * another number than before looks whether the file still has its name.
 */
uint64_t mark_rotations(const struct logfile_mark *mark, uint64_t file);
void mark_count_rotation(struct logfile_mark *mark, uint64_t file);

/* The same of all files. */
void mark_count_all(struct logfile_mark *mark);

/* Whether any note is busy: without a lock, so it may be of an append under way. */
bool mark_any(const struct logfile_mark *mark);

#endif
