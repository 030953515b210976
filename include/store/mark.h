/* SPDX-License-Identifier: ISC */
/*
 * The appends under way, in memory that all writers share: which file, and where its append
 * began.  A note stands only while its append does; one that is found by whoever takes the
 * file's flock next was left by a writer that died (or could not cut back what it had written).
 *
 * Writers are at different files at the same time (while one is rotated or was deleted, and because several
 * daemons share the notes), so there are many: each is taken with a compare-and-swap on its file, and is
 * guarded by the flock of that file from then on.  A file's notes stand in one cache line of its own choice.
 */
#ifndef STORE_MARK_H
#define STORE_MARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MARK_LINES = 64, MARK_LINE_NOTES = 4 };

/* Zeroed memory is a valid mark without notes.  Pointer-free. */
struct logfile_mark {
	struct mark_note {
		_Atomic uint64_t file; /* from mark_file(); 0: free */
		_Atomic int64_t
			begin; /* the file's length before the append, plus 1; 0: no append yet */
	} notes[MARK_LINES][MARK_LINE_NOTES];
	_Atomic uint64_t rotations; /* begun by anyone, of any file; see logfile.c */
};

/*
 * A file's name in a mark: never 0, different for different files.  Numbers of inodes are used again; with its birth
 * (nanoseconds, 0 where the file system does not tell) a new file is not taken for a removed one.
 */
uint64_t mark_file(dev_t dev, ino_t ino, int64_t born_ns);

/*
 * All of these are called under the file's flock.  mark_find() returns the length that the file had
 * before an append that was never ended, or -1.  When all notes of a line are taken (by
 * writers that died in files that nobody opened again), mark_begin() does nothing: the append goes unguarded.
 */
int64_t mark_find(const struct logfile_mark *mark, uint64_t file);
void mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length);
void mark_end(struct logfile_mark *mark, uint64_t file);

/* Whether there is a note of any file: without a lock, so it may be of an append under way. */
bool mark_any(const struct logfile_mark *mark);

#endif
