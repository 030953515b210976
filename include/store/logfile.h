/* SPDX-License-Identifier: ISC */
/*
 * The log file as one process sees it: whole appends or none, among all processes.
 *
 * An append holds flock(2) for the write alone.  Before writing, the process notes the file's
 * length in shared memory (the mark); whoever takes the lock next and finds a mark that was
 * not cleared cuts the file back to it, because its writer died in the middle.  A write that
 * fails or stays short is cut back at once.  A file whose end nobody vouches for (just opened, or
 * grown by somebody else) gets a newline where its last line lacks one.
 *
 * flock belongs to the open file description: every process opens the file itself, after the
 * fork.  One thread at a time may use a struct logfile.
 */
#ifndef STORE_LOGFILE_H
#define STORE_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * The last append to the file, in shared memory, guarded by the flock of the file.  A zeroed
 * one is valid and vouches for nothing.
 */
struct logfile_mark {
	uint64_t dev, ino; /* which file this speaks of */
	int64_t offset;    /* writing: where the append began; else: where the file ended */
	uint32_t writing;
};

struct logfile {
	int fd; /* -1: not open */
	struct logfile_mark *mark;
	bool unsynced; /* something was appended since the last fdatasync */
};

/*
 * Opens dir/name for appending, making the directory with its parents (0750) and the file
 * (0640) where they are missing.  `mark` is in shared memory and outlives the logfile.
 * 0, or -1 with errno and the logfile closed.
 */
int logfile_open(
	struct logfile *logfile, const char *dir, const char *name, struct logfile_mark *mark);
void logfile_close(struct logfile *logfile);

/*
 * Appends all the bytes of the vector (which is consumed) or none of them: waits for the lock, repairs, writes,
 * with `sync` also brings the data to the disk, unlocks.  0, or -1 with errno; nothing of the bytes is in
 * the file then.
 */
int logfile_append(struct logfile *logfile, struct iovec *iov, size_t count, bool sync);

/* Brings what was appended to the disk.  0, or -1 with errno. */
int logfile_sync(struct logfile *logfile);

#endif
