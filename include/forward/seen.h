/* SPDX-License-Identifier: ISC */
/* The ids of batches that a reader had already: the engine may have one twice.  One thread. */
#ifndef FORWARD_SEEN_H
#define FORWARD_SEEN_H

#include <stdbool.h>

struct seen {
	void *tree; /* zeroed: none */
};

/* Whether this id comes for the first time: 1, 0, or -1 with errno ENOMEM. */
int seen_add(struct seen *seen, const char *id);
void seen_fini(struct seen *seen);

#endif
