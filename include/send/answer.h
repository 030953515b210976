/* SPDX-License-Identifier: ISC */
/* What the server's answer lines mean.  Pure but for the heap; thread-safe. */
#ifndef SEND_ANSWER_H
#define SEND_ANSWER_H

#include <stdbool.h>

#include "base/slice.h"
#include "core/reply.h"

/* An answer's kind is an enum verdict or one of these. */
enum answer_kind {
	ANSWER_OTHER = VERDICTS, /* a message that we do not know, or no JSON */
	ANSWER_KINDS, /* how many kinds answer a request; the others refuse the connection */
	ANSWER_BUSY = ANSWER_KINDS,
	ANSWER_DENIED,
};

struct answer {
	struct slice line; /* as it came */
	unsigned kind;
	bool accepted; /* "status" is "ok" */
};

/* Reads one line, with or without white space around it. */
struct answer answer_read(struct slice line);

/* "received", "too_long", "other". */
const char *answer_name(unsigned kind);

#endif
