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

/* The level that a name or one of its aliases means, in any case, with white space around it. */
enum level level_parse(struct slice name);

/* The canonical name ("WARNING"); for LEVEL_UNKNOWN "UNKNOWN". */
struct slice level_name(enum level level);

#endif
