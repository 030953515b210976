/* SPDX-License-Identifier: ISC */
/* What is answered to a path, whoever asks and however it is carried.  One thread. */
#ifndef MONITOR_ANSWER_H
#define MONITOR_ANSWER_H

#include <stdbool.h>

#include "base/buf.h"
#include "monitor/watch.h"

struct answer {
	unsigned status;       /* of HTTP */
	const char *type;      /* of the body */
	struct slice constant; /* the body, where nothing is made for it, */
	struct buf made;       /* or else this */
	bool keeps; /* the same until the program is another one: it may be cached and asked again */
};

/*
 * Answers; `accept` is what whoever asks would like to have, or NULL.  A path that is not known is a 404, and without
 * memory it is a 503.  The buffer is the caller's.
 */
void answer_make(struct answer *answer, struct watch *watch, const char *path, const char *accept);

/* An answer of one line that says what is wrong, in constant words. */
void answer_refuse(struct answer *answer, unsigned status, const char *line);

#endif
