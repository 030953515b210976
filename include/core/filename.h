/* SPDX-License-Identifier: ISC */
/*
 * The name of the log file.  It may hold conversions of strftime(3), which are replaced by the time of
 * the records, in UTC and in English.  Pure.
 */
#ifndef CORE_FILENAME_H
#define CORE_FILENAME_H

#include <stdint.h>

enum { FILENAME_BYTES = 256 }; /* of an expanded name, with its NUL */

/* NULL, or what is wrong with the name and what would be right; the string is constant. */
const char *filename_check(const char *name);

/*
 * For how many seconds an expansion holds: times that give the same quotient (rounded down) give the
 * same name.  0: for ever, the name has no conversions of time.
 */
int64_t filename_span_s(const char *name);

/* The name of a time in seconds since 1970 (earlier ones count as 1970) for a name without mistakes. */
void filename_expand(const char *name, int64_t wall_s, char out[static FILENAME_BYTES]);

#endif
