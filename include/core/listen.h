/* SPDX-License-Identifier: ISC */
/*
 * What a Listen line says: where clients are accepted, and how they are served there.
 * Plain data, pointer-free.  Pure, thread-safe.
 */
#ifndef CORE_LISTEN_H
#define CORE_LISTEN_H

#include <stdint.h>

#include "base/buf.h"
#include "core/endpoint.h"

enum listen_option {
	LISTEN_TLS = 1 << 0,   /* clients speak TLS */
	LISTEN_PROXY = 1 << 1, /* a load balancer tells who the client is, before all else */
	LISTEN_NOACK = 1 << 2, /* nothing is ever sent */
	LISTEN_GZIP = 1 << 3,  /* packed frames may stand between the lines */
};

enum { LISTEN_MODE = 0666 };

struct listen {
	struct endpoint endpoint;
	uint32_t options; /* of enum listen_option */
	uint32_t mode;    /* of the file, for unix:/PATH; LISTEN_MODE where it was not said */
};

/*
 * Reads "9000", "[::1]:9443 tls noack" or "unix:/run/log.sock mode=0660": an endpoint, then options in any case and
 * order.  Returns NULL, or what is wrong and what would be right (a constant string), and the word that it is said of in
 * *word; *out is unchanged then.
 */
const char *listen_parse(struct slice text, struct listen *out, struct slice *word);

/* Appends the form that parses again.  0, or -1 with errno ENOMEM. */
int listen_print(const struct listen *listen, struct buf *out);

#endif
