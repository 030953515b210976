/* SPDX-License-Identifier: ISC */
/*
 * What stands between the quotes of a JSON string, judged in one pass: escapes, UTF-8 (RFC 3629), no
 * raw control characters.  A short string of plain ASCII is done in line.  Pure, thread-safe.
 */
#ifndef CORE_QUOTED_H
#define CORE_QUOTED_H

#include "base/bytes.h"

/* What has been seen in a string; added to what the caller has there. */
enum quoted_trait {
	QUOTED_ESCAPED = 1,  /* a backslash: it needs decoding */
	QUOTED_CONTROLS = 2, /* DEL or a C1 control character as it is, which JSON allows */
};

/* The same from where something is that is not plain. */
const unsigned char *quoted_skip_odd(const unsigned char *at, struct span in, unsigned *traits);

/* From behind the first quote to behind the last one; NULL where it is no string. */
static inline const unsigned char *
quoted_skip(const unsigned char *at, struct span in, unsigned *traits)
{
	at = bytes_find_odd(at, in);
	if (at < in.end && *at == '"')
		return at + 1;
	return quoted_skip_odd(at, in, traits);
}

#endif
