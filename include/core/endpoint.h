/* SPDX-License-Identifier: ISC */
/*
 * Where to listen, as a directive says it: [address:]port, fd@NAME for the sockets that a service manager
 * passes under that name, or unix:/PATH for a socket in the file system.  Plain data, pointer-free.  (fd@ is HAProxy's idea.)
 * Pure, thread-safe.
 */
#ifndef CORE_ENDPOINT_H
#define CORE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

enum { ENDPOINT_HOST_MAX = 254, ENDPOINT_TEXT_MAX = ENDPOINT_HOST_MAX + 10 };

struct endpoint {
	/* Address or name, IPv6 without its brackets; or fd@NAME; or unix:/PATH. */
	char host[ENDPOINT_HOST_MAX];
	uint16_t port; /* 0: any free one, or none behind fd@NAME and unix:/PATH */
};

/*
 * Reads "9000", "127.0.0.1:9000", "localhost:9000", "[::1]:9000", "*:9000" or "fd@logs".  Without an address, and
 * for "*", the host is 0.0.0.0.  Returns NULL, or what is wrong and what would be right (a
 * constant string); *out is unchanged then.  Bytes behind the host's end are zero.
 */
const char *endpoint_parse(const char *text, struct endpoint *out);

/* The same for one half alone; here an IPv6 address may stand without brackets. */
const char *endpoint_parse_host(const char *text, struct endpoint *out);
const char *endpoint_parse_port(const char *text, struct endpoint *out);

/* The same for unix:/PATH, which endpoint_parse() does not know. */
const char *endpoint_parse_local(const char *text, struct endpoint *out);

/* /PATH of unix:/PATH, or NULL when it is no such endpoint. */
const char *endpoint_local_path(const struct endpoint *endpoint);

/* NAME of fd@NAME, or NULL when it is an address. */
const char *endpoint_passed_name(const struct endpoint *endpoint);

/* The form that parses again; returns text. */
const char *endpoint_format(const struct endpoint *endpoint, char text[static ENDPOINT_TEXT_MAX]);

/* Whether both cannot be had together: the same name; or the same host, in any case, and the same port but 0. */
bool endpoint_clash(const struct endpoint *a, const struct endpoint *b);

#endif
