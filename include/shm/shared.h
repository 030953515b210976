/* SPDX-License-Identifier: ISC */
/*
 * All the memory that the processes of one daemon share: one region, made before the first fork, cut into
 * parts.  What an operator may look at (header, scoreboard, limiter, who was denied) lies in front and can be a
 * file (ScoreBoardFile) that logcollectctl maps; the rest is anonymous.
 *
 *	| header | scoreboard | limiter | denied | page | roster | store | secrets | settings |
 *	  file, with all its blocks allocated     anonymous, paid for when touched
 *
 * The file is made anew at each start.  The supervisor holds a POSIX lock on it as long as it lives, which is how
 * others know that it runs and what its pid is.
 */
#ifndef SHM_SHARED_H
#define SHM_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shm/limiter.h"
#include "shm/published.h"
#include "shm/roster.h"
#include "shm/scoreboard.h"

/* For a pid: there is such a process, but it cannot be seen from here. */
enum { SHARED_UNSEEN = -1 };

/* Strangers that are counted one by one.  A flood of more of them costs only those that came before. */
enum { SHARED_DENIED_ENTRIES = 4096 };

struct shared_plan {
	size_t slots;           /* of workers: shared_slots() */
	size_t places;          /* of each slot: shared_places() */
	size_t limiter_entries; /* RateLimitTableSize */
	size_t store_bytes;     /* what the store shares, zeroed */
	size_t secret_bytes;    /* likewise, for what must not be in a core dump */
	size_t settings_bytes;  /* size of the published settings */
	size_t spool_bytes;     /* of the published path of the spool */
};

/* One process's view of the region.  Not shared itself. */
struct shared {
	struct scoreboard *board;
	size_t slots; /* of the board, as it was laid out or found: it does not change with the file */
	struct limiter *limiter;
	size_t limiter_entries; /* likewise */
	struct limiter *
		denied; /* of SHARED_DENIED_ENTRIES: how often whom access was denied (limiter_note) */
	struct roster *roster;      /* NULL for a reader */
	void *store;                /* NULL for a reader */
	void *secrets;              /* likewise: on pages of their own */
	struct published *settings; /* NULL for a reader; of the supervisor */
	struct published *spool; /* likewise; of the forwarder: where it is, for the one after it */

	void *memory;
	size_t size;
	int fd;         /* of the file; -1: none */
	char *file;     /* its path; NULL: none, or not ours to remove */
	pid_t pid;      /* of the supervisor, or SHARED_UNSEEN */
	char other[32]; /* after SHARED_OTHER_VERSION: the version of the program that made it */
};

enum shared_result {
	SHARED_OK,
	SHARED_ERROR,       /* errno tells */
	SHARED_RUNNING,     /* the file is in use by a living daemon: its pid is told */
	SHARED_NOT_RUNNING, /* there is no file, or nobody holds it */
	SHARED_NO_PERMISSION,
	SHARED_NOT_A_BOARD,   /* the file is something else */
	SHARED_OTHER_VERSION, /* its layout is not this program's */
};

/* How many slots and places to lay out, so that a reload can raise Workers and ThreadsPerWorker. */
size_t shared_slots(size_t workers);
size_t shared_places(size_t threads_per_worker);

/*
 * Maps and lays out everything.  With a file, it is made (0640) under another name and put in the place of what a
 * dead daemon left; anything but a scoreboard is left alone.  Everything else is an error, and *out is as
 * after shared_close().  Results: OK, ERROR, RUNNING (out->pid), NO_PERMISSION, NOT_A_BOARD.
 */
enum shared_result shared_make(
	struct shared *out, const struct shared_plan *plan, const char *file_or_null);

/* In a forked child: gives up the file, keeps the memory. */
void shared_in_child(struct shared *shared);

/* Unmaps; the process that made the file removes it. */
void shared_close(struct shared *shared);

/*
 * Maps the front part of a running daemon's file; `writable` is what limiter_forget() needs.  A reader can only be
 * misled, not harmed, by what the file holds and how that changes.  All results but RUNNING.
 */
enum shared_result shared_attach(struct shared *out, const char *file, bool writable);

/* Whether the daemon that this reader is attached to still runs. */
bool shared_running(const struct shared *shared);

#endif
