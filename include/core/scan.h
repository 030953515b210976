/* SPDX-License-Identifier: ISC */
/*
 * The judge of JSON: one pass over a line, no allocation, no recursion.  Accepts
 * exactly RFC 8259 texts in valid UTF-8 (RFC 3629), nested at most SCAN_DEPTH_MAX
 * deep, and finds the two members that a record needs.  It never decodes: values are
 * slices of the line.  Pure, thread-safe.
 */
#ifndef CORE_SCAN_H
#define CORE_SCAN_H

#include <stdbool.h>

#include "base/slice.h"
#include "core/fields.h"

enum { SCAN_DEPTH_MAX = 128 };

/* A member's value as it stands in the line; where it is not present, nothing else is set. */
struct scan_value {
	struct slice text; /* a string: what is between its quotes; else the JSON text */
	bool present;
	bool is_string;
	bool escaped;  /* a string that contains a backslash and needs decoding */
	bool harmless; /* a string that is printed as it stands: no escapes, no control characters */
};

struct scan {
	struct scan_value
		level; /* of the names for it the first that is there; the last top-level member of it */
	struct scan_value message; /* likewise */
};

enum scan_result {
	SCAN_INVALID,    /* no JSON text, or nested too deep; *out is undefined */
	SCAN_NOT_OBJECT, /* a JSON text of another type; *out is undefined */
	SCAN_OBJECT,
};

/* Judges one line, surrounding white space allowed as in RFC 8259.  The standard names are the fastest. */
enum scan_result scan_line(struct slice line, const struct fields *fields, struct scan *out);

#endif
