/* SPDX-License-Identifier: ISC */
/*
 * Ships what is in a spool, segment by segment and batch by batch, one on its way at a time.  All that has to survive is in the
 * checkpoint; whoever dies is followed by one that goes on from there.  One thread.
 */
#ifndef FORWARD_SHIPPER_H
#define FORWARD_SHIPPER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/delay.h"
#include "core/shipping.h"
#include "forward/checkpoint.h"
#include "forward/courier.h"
#include "forward/tail.h"

struct shipper_rules {
	size_t batch_bytes;
	int64_t linger_ms;   /* a batch that is not full waits so long for more */
	int64_t spool_bytes; /* the spool is full with more that is not confirmed; 0: never */
	bool drop_oldest;    /* then the oldest is given up; else clients are refused */
};

struct shipper {
	int spool, lock;
	uint64_t spool_id;
	const char *path;           /* of the spool */
	const char *heir;           /* of the one that writers use now, which may be this one */
	struct shipper_rules rules; /* the owner may change them between two steps */
	const char *node;
	struct logfile_mark *mark;
	struct shipping *shipping;
	struct courier courier;

	struct segments segments;
	int64_t listed_ms; /* when they were listed, monotonic clock; 0: not yet */
	struct checkpoint at;
	bool noted;        /* the checkpoint says so in its file */
	struct tail tail;  /* of at.segment */
	struct buf bytes;  /* on their way; empty: none are */
	size_t most_bytes; /* that the engine is believed to take at a time; 0: any number */
	int64_t since_ms;  /* when a batch that lingers began to; 0: none does */
	int64_t loaded_ms; /* when what is on its way was read */
	int64_t idle_ms;   /* since when there is nothing to ship; 0: there is */

	struct delay delay;
	bool full;
	bool asked; /* the writers, to look for their links, as none was there */
	bool gone;  /* the folder was removed: to be opened anew */
	bool moved; /* the path leads to another one, or to none */
	int error;  /* of the spool, which was told */
};

/*
 * Opens the spool and takes its lock.  Paths, node, mark, shipping and what the courier is given must outlive the shipper; `heir` is the path of
 * the spool that writers use now, and may change between two steps.  0, or -1 with errno: EWOULDBLOCK, another forwarder has it.
 */
int shipper_open(struct shipper *shipper, const char *spool, const char *heir, const char *node,
	struct logfile_mark *mark, struct shipping *shipping, const struct forward_driver *driver,
	const struct forward_target *target);

/* Notes how far it has come, gives up what is on its way. */
void shipper_close(struct shipper *shipper);

/*
 * Goes one step further, which may take wait_ms.  How long nothing is to be done, in milliseconds; 0: go on at once.
 */
int shipper_step(struct shipper *shipper, int wait_ms);

/*
 * For an owner whose writers have gone to another spool: whether nothing is left in this one.  Then the last file is let go too.  To be
 * asked between two steps; some seconds must have passed without anything to ship.
 */
bool shipper_finish(struct shipper *shipper);

/*
 * For an owner whose writers have come back to this spool: whether the one that they used meanwhile, which comes `next`, has what is older than
 * what is to be shipped here now, or nothing.  Then that comes first, and this one is to be closed, and opened again later.  To be asked between
 * two steps.
 */
bool shipper_yield(struct shipper *shipper, const char *next);

#endif
