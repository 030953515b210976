/* SPDX-License-Identifier: ISC */
/*
 * json-c as the scanner's oracle, for the unit test and the fuzzer, with the standard names and with others.  Whatever json-c rejects
 * (strict, UTF-8 validated), the scanner has to reject; json-c accepts more, so the reverse is not
 * asked.  Of what the scanner accepts, level and message must be what json-c finds.
 */
#ifndef T_LIB_ORACLE_H
#define T_LIB_ORACLE_H

#include "base/slice.h"
#include "core/fields.h"

/* Names to compare with: the nth of ORACLE_FIELDS, the first of which are the standard ones. */
enum { ORACLE_FIELDS = 4 };
const struct fields *oracle_fields(size_t n);

/* Scans the text and compares: NULL, or what is wrong. */
const char *oracle_compare(struct slice text, const struct fields *fields);

#endif
