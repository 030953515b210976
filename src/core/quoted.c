/* SPDX-License-Identifier: ISC */
/*
 * The odd bytes of strings: everything but plain ASCII, which is passed over as base/bytes.h does
 * it.  Nobody reads outside the span.
 */
#include "core/quoted.h"

#include <endian.h>

#include "base/hex.h"

typedef unsigned char byte; /* chars must not be signed here */

/* Up to four bytes, the first one lowest; behind the end there are zeros, which continue nothing. */
static inline uint32_t
load_four(const byte *at, const byte *end)
{
	uint32_t four = 0;
	if (end - at >= 4) {
		memcpy(&four, at, 4);
		return le32toh(four);
	}
	for (unsigned shift = 0; at < end; shift += 8)
		four |= (uint32_t)*at++ << shift;
	return four;
}

/*
 * From a character that is not ASCII to behind it (RFC 3629, section 4).  The masks take the bits that
 * tell its length from all its bytes at once.
 */
static inline const byte *
skip_character(const byte *at, const byte *end, unsigned *traits)
{
	uint32_t four = load_four(at, end);
	if ((four & 0xc0c0f0) == 0x8080e0) {
		uint32_t bounds = four & 0x200f;
		/* E0 with 80 to 9F: overlong; ED with A0 to BF: a surrogate */
		return bounds != 0 && bounds != 0x200d ? at + 3 : NULL;
	}
	if ((four & 0xc0e0) == 0x80c0) {
		if ((four & 0x20ff) == 0xc2) /* with 80 to 9F: C1 */
			*traits |= QUOTED_CONTROLS;
		return (four & 0x1e) != 0 ? at + 2 : NULL; /* C0, C1: overlong */
	}
	if ((four & 0xc0c0c0f8) == 0x808080f0) {
		uint32_t plane = (four & 0x07) << 6 | (four >> 8 & 0x3f);
		/* less: overlong; more: beyond U+10FFFF */
		return plane >= 0x10 && plane <= 0x10f ? at + 4 : NULL;
	}
	return NULL;
}

/* From the first to behind the last of characters that are not ASCII. */
static inline const byte *
skip_characters(const byte *at, const byte *end, unsigned *traits)
{
	do
		at = skip_character(at, end, traits);
	while (at != NULL && at < end && *at >= 0x80);
	return at;
}

static const byte *
skip_escape(const byte *at, const byte *end)
{
	static const bool single[256] = {['"'] = true,
		['\\'] = true,
		['/'] = true,
		['b'] = true,
		['f'] = true,
		['n'] = true,
		['r'] = true,
		['t'] = true};
	if (end - at < 2)
		return NULL;
	if (at[1] != 'u')
		return single[at[1]] ? at + 2 : NULL;
	return end - at >= 6 && hex_unit((const char *)at + 2) >= 0 ? at + 6 : NULL;
}

const byte *
quoted_skip_odd(const byte *at, struct span in, unsigned *traits)
{
	while (at != NULL && at < in.end) {
		if (*at >= 0x80) {
			at = skip_characters(at, in.end, traits);
		} else if (*at == '"') {
			return at + 1;
		} else if (*at == '\\') {
			*traits |= QUOTED_ESCAPED;
			at = skip_escape(at, in.end);
		} else if (*at == 0x7f) {
			*traits |= QUOTED_CONTROLS;
			at++;
		} else if (*at < ' ') {
			return NULL;
		} else {
			at = bytes_find_odd(at, in);
		}
	}
	return NULL;
}
