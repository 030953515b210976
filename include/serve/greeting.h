/* SPDX-License-Identifier: ISC */
/*
 * All that comes before a client's first line, within HandshakeTimeout as one deadline: what a load balancer says of
 * its client, then the TLS handshake.  In the client's own thread.
 */
#ifndef SERVE_GREETING_H
#define SERVE_GREETING_H

struct conn;

enum greeting {
	GREETING_OVER,  /* lines may follow */
	GREETING_ENDED, /* in good order; what was said, if anything, is worth lingering for */
	GREETING_GONE,  /* nobody is there, made no sense, or was not in time */
};

/* What has failed is counted. */
enum greeting greeting_exchange(struct conn *conn);

#endif
