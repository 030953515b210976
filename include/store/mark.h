/* SPDX-License-Identifier: ISC */
/*
 * The appends under way, in memory that all processes share: which file, and where its append
 * began.  A note stands only while its append does; one that is found by whoever takes the
 * file's flock next was left by a writer that died (or could not cut back what it had written).
 *
 * Processes may be at different files at the same time (while one is rotated or was deleted),
 * so there are several notes: each is taken with a compare-and-swap on its file, and is
 * guarded by the flock of that file from then on.
 */
#ifndef STORE_MARK_H
#define STORE_MARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MARK_NOTES = 16 };

/* Zeroed memory is a valid mark without notes.  Pointer-free. */
struct logfile_mark {
	struct {
		_Atomic uint64_t file; /* from mark_file(); 0: free */
		_Atomic int64_t
			begin; /* the file's length before the append, plus 1; 0: no append yet */
	} notes[MARK_NOTES];
	_Atomic uint64_t rotations; /* begun by anyone, of any file; see logfile.c */
};

/* A file's name in a mark: never 0, different for different files. */
uint64_t mark_file(dev_t dev, ino_t ino);

/*
 * All of these are called under the file's flock.  mark_find() returns the length that the file had
 * before an append that was never ended, or -1.  When all notes are taken (by writers that died
 * in files that nobody opened again), mark_begin() does nothing: the append goes unguarded.
 */
int64_t mark_find(const struct logfile_mark *mark, uint64_t file);
void mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length);
void mark_end(struct logfile_mark *mark, uint64_t file);

/* Whether there is a note of any file; without a lock, once all writers have ended. */
bool mark_any(const struct logfile_mark *mark);

#endif
