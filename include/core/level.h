/* SPDX-License-Identifier: ISC */
/*
 * The severity of a record.  DEBUG < INFO < WARNING < ERROR < CRITICAL; the
 * numbers compare in that order.  Pure, thread-safe.
 */
#ifndef CORE_LEVEL_H
#define CORE_LEVEL_H

#include "base/slice.h"

enum level {
	LEVEL_DEBUG,
	LEVEL_INFO,
	LEVEL_WARNING,
	LEVEL_ERROR,
	LEVEL_CRITICAL,
	LEVEL_UNKNOWN, /* a name that is no level; never the value of a setting */
};

enum level_numbers {
	LEVEL_NUMBERS_NONE,
	LEVEL_NUMBERS_PINO,   /* and bunyan: 10 to 60, the more the severer */
	LEVEL_NUMBERS_SYSLOG, /* RFC 5424: 0 to 7, the less the severer */
};

/* The level that a name or one of its aliases means, in any case, with white space around it. */
enum level level_parse(struct slice name);

/* The level of a whole number in plain digits, with white space around it. */
enum level level_of_number(struct slice text, enum level_numbers numbers);

/* What either of the two knows. */
static inline enum level
level_read(struct slice text, enum level_numbers numbers)
{
	enum level level = level_parse(text);
	return level == LEVEL_UNKNOWN && numbers != LEVEL_NUMBERS_NONE
	               ? level_of_number(text, numbers)
	               : level;
}

/* The canonical name ("WARNING"); for LEVEL_UNKNOWN "UNKNOWN". */
struct slice level_name(enum level level);

#endif
