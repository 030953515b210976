/* SPDX-License-Identifier: ISC */
/* The verdicts and the answer lines that tell them.  Constant data; thread-safe. */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "base/slice.h"

enum verdict {
	VERDICT_RECEIVED,
	VERDICT_FILTERED,
	VERDICT_INVALID,
	VERDICT_NOT_OBJECT,
	VERDICT_MISSING,
	VERDICT_LIMITED,
	VERDICT_TOO_LONG,
	VERDICT_UNKNOWN_LEVEL,
	VERDICT_FAILED,
	VERDICTS /* how many there are */
};

/* The answer, byte for byte, with its newline. */
struct slice reply_line(enum verdict verdict);

/* The verdict's name in counters and messages: "received", "not_object". */
const char *verdict_name(enum verdict verdict);

/* What a refused connection is told before it is closed. */
struct slice reply_busy(void);
struct slice reply_denied(void);

#endif
