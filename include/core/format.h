/* SPDX-License-Identifier: ISC */
/*
 * How a record looks in the file.  In text format every C0 and C1 control character
 * and DEL of the message is written as a JSON escape, so that no client can forge a
 * second line or drive a terminal.  Pure but for the buffer's heap.
 */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdint.h>

#include "base/buf.h"
#include "core/policy.h"
#include "core/record.h"

enum { FORMAT_STAMP_BYTES = 27 }; /* 2026-01-31T12:00:00.123456Z */

/* All records of a batch are written with one stamp and for one client. */
struct format_context {
	char stamp[FORMAT_STAMP_BYTES + 1];
	struct slice client;  /* textual address, for the json format; */
	struct slice subject; /* of its certificate, escaped for JSON; empty: it has none */
	enum log_format format;
};

/* UTC with microseconds; years 0000 to 9999, times outside are clamped. */
void format_stamp(int64_t wall_us, char stamp[static FORMAT_STAMP_BYTES + 1]);

/* Appends one record and its newline.  0, or -1 with errno ENOMEM and the buffer as it was. */
int format_record(
	struct buf *out, const struct format_context *context, const struct record *record);

#endif
