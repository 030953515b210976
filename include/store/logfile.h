/* SPDX-License-Identifier: ISC */
/*
 * The log file as one process sees it: whole appends or none, among all processes.
 *
 * An append holds flock(2) for the write alone.  Before writing, the process notes the file's
 * length in shared memory (store/mark.h); whoever takes the lock next and finds a note that was
 * not cleared cuts the file back to it, because its writer died in the middle.  A write that
 * fails or stays short is cut back at once.  A file whose last line lacks its newline gets one before
 * anything is appended: an append never joins a line that somebody else left open.
 *
 * Who finds the file full renames it (store/rotate.h) under its lock; everyone else notices under that lock
 * that the path leads elsewhere.
 *
 * A file that is to be forwarded has one more link, in the spool (store/spool.h), which is made before anything is appended.
 *
 * flock belongs to the open file description: every process opens the file itself, after the
 * fork.  One thread at a time may use a struct logfile.
 */
#ifndef STORE_LOGFILE_H
#define STORE_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "store/identity.h"
#include "store/mark.h"
#include "store/spool.h"

struct logfile_rotation {
	int64_t bytes; /* a file that an append would make larger is rotated first; 0: never */
	int64_t keep;  /* how many rotated files are kept */
};

struct logfile {
	int fd; /* -1: not open */
	struct identity identity;
	struct logfile_mark *mark;
	char *path;         /* dir/name, on the heap; NULL: not open */
	uint64_t rotations; /* the mark's count, plus 1, when the path last led to fd; 0: not yet */
	nlink_t links;      /* that it had when its path was last seen to lead to it; 0: not yet */
	struct logfile_rotation rotation; /* the owner may change it between appends */
	int spool;                        /* the folder that it is linked into; -1: none */
	uint64_t spool_id;                /* with spool >= 0 (spool_identity()) */
	struct segment segment;           /* the link, with spool >= 0 */
	int64_t end;                      /* its length after the last append that was made */
	bool waited;      /* the last append found the file locked by another process */
	int rotate_error; /* why the last append could not rotate, and went to the full file; or 0 */
};

/*
 * Opens dir/name for appending, making the directory with its parents (0750) and the file
 * (0640) where they are missing, and repairs its end (what of that fails is left to the next
 * append).  `mark` is in shared memory and outlives the logfile.
 * 0, or -1 with errno and the logfile closed; EMEDIUMTYPE: it is no regular file.
 */
int logfile_open(
	struct logfile *logfile, const char *dir, const char *name, struct logfile_mark *mark);
void logfile_close(struct logfile *logfile);

/*
 * Before the first append: links the file into the spool, or finds that it is.  0, or -1 with errno, and no link; ESTALE: its name
 * leads to another file by now.
 */
int logfile_hold(struct logfile *logfile, const char *spool);

/* Whether it could be opened, or made: 0, or -1 with errno.  Takes no lock. */
int logfile_try(const char *dir, const char *name);

/*
 * Appends all the bytes of the vector (which is consumed) or none of them: waits for the lock, repairs, writes,
 * with `sync` also brings the data to the disk, unlocks.  0, or -1 with errno; nothing of the bytes is in
 * the file then.  ESTALE: the file has lost its name (it was deleted, or has been rotated, now by
 * us or before by somebody else), and the vector is as it was; open it again.
 */
int logfile_append(struct logfile *logfile, struct iovec *iov, size_t count, bool sync);

/*
 * Waits for the lock and cuts off what a dead writer has left, whatever the file is called now.  0, or -1
 * with errno.
 */
int logfile_mend(struct logfile *logfile);

/* Brings what was appended to the disk.  0, or -1 with errno.  Any thread. */
int logfile_sync(int fd);

#endif
