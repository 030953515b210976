/* SPDX-License-Identifier: ISC */
/*
 * Where to listen, as a directive says it: [address:]port.  Plain data, pointer-free.
 * Pure, thread-safe.
 */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include <stdint.h>

enum { ENDPOINT_HOST_MAX = 254, ENDPOINT_TEXT_MAX = ENDPOINT_HOST_MAX + 10 };

struct endpoint {
	char host[ENDPOINT_HOST_MAX]; /* address or name, IPv6 without its brackets */
	uint16_t port;                /* 0: any free one */
};

/*
 * Reads "9000", "127.0.0.1:9000", "localhost:9000", "[::1]:9000" or "*:9000".  Without an address the
 * host is 0.0.0.0.  Returns NULL, or what is wrong and what would be right.
 */
const char *endpoint_parse(const char *text, struct endpoint *out);

/* The form that parses again; returns text. */
const char *endpoint_format(const struct endpoint *endpoint, char text[static ENDPOINT_TEXT_MAX]);

#endif
