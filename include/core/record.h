/* SPDX-License-Identifier: ISC */
/*
 * One line judged: JSON, object, fields, level, in that order.  Rate limit and length
 * come before this, storage after it.  Pure but for the decoder's heap.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/slice.h"
#include "core/decode.h"
#include "core/level.h"
#include "core/policy.h"
#include "core/reply.h"

/* Slices of the line or of the decoder; they hold while both do. */
struct record {
	struct slice line;       /* as sent, white space stripped */
	struct slice level_text; /* decoded; matters where level is LEVEL_UNKNOWN */
	struct slice message;    /* decoded where it will be written; no string: its JSON text */
	enum level level;
	bool harmless; /* the message is printed as it stands; without it that is not known */
};

/*
 * Judges a stripped line.  VERDICT_RECEIVED: *out is complete and may be stored.  Any other
 * verdict: *out is undefined.  Out of memory while decoding is VERDICT_FAILED.
 * The message is decoded only for a record that passes and a format that wants it.
 */
enum verdict record_judge(struct slice line, const struct policy *policy, struct decoder *decoder,
	struct record *out);

#endif
