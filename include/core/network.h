/* SPDX-License-Identifier: ISC */
/* Address blocks, as directives name them: 192.0.2.7, 10.0.0.0/8, 2001:db8::/32.  Pure, thread-safe. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/address.h"

enum { NETWORK_TEXT_MAX = ADDRESS_TEXT_MAX + 4 };

struct network {
	struct address address; /* zero behind the prefix */
	int32_t bits;           /* of the 128 that an IPv4 address has too, as IPv4-mapped IPv6 */
};

/*
 * Reads an address or address/bits.  Returns NULL, or what is wrong and what would be right (a constant
 * string); *out is unchanged then.
 */
const char *network_parse(struct slice text, struct network *out);

/* A user (address_from_uid) is in no block. */
bool network_contains(const struct network *network, const struct address *address);

/* The form that parses again, without bits where it is one address; returns text. */
const char *network_format(const struct network *network, char text[static NETWORK_TEXT_MAX]);

#endif
