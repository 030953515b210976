/* SPDX-License-Identifier: ISC */
/* Counts answers by verdict.  A zeroed struct has counted nothing.  Pure; one thread at a time. */
#ifndef SEND_TALLY_H
#define SEND_TALLY_H

#include <stdint.h>

#include "base/buf.h"
#include "send/answer.h"

struct tally {
	uint64_t kinds[ANSWER_KINDS];
	uint64_t answers;  /* the sum of them */
	uint64_t accepted; /* those of status "ok", filtered ones included */
};

/* Counts an answer to a request; not for refusals. */
void tally_add(struct tally *tally, const struct answer *answer);

/*
 * Appends the summary: "5 records: 4 received, 1 filtered\n"; `unanswered` requests are counted
 * as records too.  0, or -1 with errno ENOMEM.
 */
int tally_print(const struct tally *tally, uint64_t unanswered, struct buf *out);

#endif
