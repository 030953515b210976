/* SPDX-License-Identifier: ISC */
/*
 * The file that a journal writes to now, and how it comes to be another one: a new day in its
 * name, a new target, a reopen, a rotation, a file that was deleted or is bad.  The new file is opened first;
 * where that fails the old one stays in use, and the next append tries again.
 *
 * One thread at a time (the journal's leader), but for outlet_generation() and outlet_error().
 */
#ifndef STORE_OUTLET_H
#define STORE_OUTLET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/filename.h"
#include "store/logfile.h"
#include "store/target.h"

struct outlet {
	struct target *target; /* owned */
	struct logfile file;
	char name[FILENAME_BYTES]; /* of the file that is wanted, for this period; "": none yet */
	int64_t period;
	bool anew;      /* another file is wanted than the one that is open */
	bool doubtful;  /* the last append failed: perhaps a file opened anew is better */
	uint64_t asked; /* generation */
	_Atomic uint64_t generation;
	_Atomic int error;               /* why no new file could be opened, last time; or 0 */
	_Atomic uint64_t lock_waits;     /* appends that found the file locked by another process */
	struct troubles *troubles;       /* shared */
	const struct shipping *shipping; /* shared; or NULL */
	struct {
		bool storing, opening, rotating;
	} failing; /* what failed here last time, whatever it did elsewhere */
};

/*
 * Takes the target over, opens the file of wall_us and mends what dead writers have left in others of its folder.
 * 0 or an errno, which has been logged.
 */
int outlet_init(struct outlet *outlet, struct target *target, const struct journal_world *world,
	int64_t wall_us);

/* Syncs what LogSync promised, closes. */
void outlet_fini(struct outlet *outlet);

/* Times of the same period have the same file. */
int64_t outlet_period(const struct outlet *outlet, int64_t wall_us);

/* Appends all of the vector (which is consumed) or nothing to the file of wall_us.  0 or an errno. */
int outlet_append(struct outlet *outlet, int64_t wall_us, struct iovec *vector, size_t count);

/* Where the last append has ended, in the spool; of a file that is not forwarded, a place that is never reached. */
struct position outlet_end(const struct outlet *outlet);

/* Takes the new target over; the old one is freed when what it promised is kept. */
void outlet_retarget(struct outlet *outlet, struct target *target, int64_t wall_us);

/* Opens the file of wall_us anew: see journal_reopen(). */
void outlet_reopen(struct outlet *outlet, uint64_t generation, int64_t wall_us);
uint64_t outlet_generation(const struct outlet *outlet);
int outlet_error(const struct outlet *outlet);

#endif
