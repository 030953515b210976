/* SPDX-License-Identifier: ISC */
/*
 * The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): what a load balancer says, before a client's
 * first byte, of whom it has connected with us.  Pure, thread-safe.
 */
#ifndef CORE_PROXY_H
#define CORE_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "core/address.h"

enum {
	PROXY_V1_MAX = 107,                /* bytes of a text header, with its CR LF */
	PROXY_V2_BYTES = 16,               /* of a binary header in front of its addresses */
	PROXY_MAX = PROXY_V2_BYTES + 4096, /* of any header: addresses and extensions are bounded */
};

enum proxy_result {
	PROXY_MORE, /* all of it belongs to a header that goes on */
	PROXY_OK,
	PROXY_INVALID, /* no header, a broken one, or too long */
};

struct proxy {
	size_t consumed; /* bytes of the header; what follows is the client's */
	/*
	 * Whether it names a client.  Not where the balancer speaks for itself (LOCAL, as health checks do), or cannot
	 * name it (UNKNOWN, UNSPEC, unix sockets): then the connection's own address is all there is.
	 */
	bool told;
	struct address client; /* if so */
};

/* Reads the header that the bytes begin with; *out is set with PROXY_OK only. */
enum proxy_result proxy_parse(struct slice bytes, struct proxy *out);

#endif
