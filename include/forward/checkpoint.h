/* SPDX-License-Identifier: ISC */
/*
 * How far a spool was forwarded, in a small file that is there whole whatever crashes.  What is between `start` and `end` is on its way: the intent is
 * written before the first byte is sent, so that after a crash the same bytes go out under the same id.
 */
#ifndef FORWARD_CHECKPOINT_H
#define FORWARD_CHECKPOINT_H

#include <stdint.h>

#include "core/engine.h"
#include "store/spool.h"

enum { CHECKPOINT_ID_BYTES = ENGINE_NODE_MAX + SPOOL_NAME_BYTES + 48 };

struct checkpoint {
	char node[ENGINE_NODE_MAX]; /* that the batch on its way was named after */
	struct segment segment;     /* number 0: none yet */
	int64_t start;              /* the engine has all before it */
	int64_t end;                /* start: nothing is on its way */
};

/* 0, or -1 with errno: ENOENT, there is none yet; EBADMSG, it says what cannot be. */
int checkpoint_read(int spool, struct checkpoint *out);

/* 0, or -1 with errno and the old one in the file. */
int checkpoint_write(int spool, const struct checkpoint *checkpoint);

/* node.segment.start-end: the id of what is on its way.  Returns id. */
const char *checkpoint_id(const struct checkpoint *checkpoint, char id[static CHECKPOINT_ID_BYTES]);

#endif
