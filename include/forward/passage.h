/* SPDX-License-Identifier: ISC */
/*
 * A shipper's way from one segment of the spool to the next.  What returns an int says for how long, in milliseconds, nothing is to be
 * done (0: begin with the next step at once), or PASSAGE_GO_ON: with this one.
 */
#ifndef FORWARD_PASSAGE_H
#define FORWARD_PASSAGE_H

#include "forward/shipper.h"

enum {
	PASSAGE_GO_ON = -1,
	PASSAGE_BUSY_MS = 1,   /* a writer has the lock */
	PASSAGE_LIST_MS = 200, /* so often the spool is looked through */
	PASSAGE_TROUBLE_MS = 1000,
};

/* Says, once while it lasts, what cannot be done, and why in errno. */
int passage_trouble(struct shipper *shipper, const char *what);

/* Writes the checkpoint. */
int passage_note(struct shipper *shipper);

/* Looks through the spool, where that is due. */
int passage_list(struct shipper *shipper, int64_t now_ms);

/* The first segment behind that number, or NULL. */
const struct segment *passage_next(const struct shipper *shipper, uint64_t number);

/* Opens the segment that is to be shipped, or goes on to the next where it is gone from the spool. */
int passage_open(struct shipper *shipper);

/*
 * Whether the file was emptied, as a writer has found, and given its link another number, before it appended: as long as the link is there,
 * what was read is what was meant.
 */
bool passage_was_emptied(const struct shipper *shipper);

/*
 * The file was emptied: its link becomes another segment, the newest, from the first byte on, if no writer was quicker.  Those
 * that were newer before come first.
 */
int passage_begin_again(struct shipper *shipper);

/* All of the segment was shipped, and a newer one is there: enters that, unless a late writer has appended. */
int passage_leave(struct shipper *shipper);

#endif
