/* SPDX-License-Identifier: ISC */
/*
 * TLS on one connected, non-blocking socket, as a client: read, write and wait for readiness as
 * with the socket itself.  No call waits, none raises SIGPIPE.  One thread at a time.
 */
#ifndef SEND_SECURE_H
#define SEND_SECURE_H

#include <sys/types.h>

#include "send/refusal.h"
#include "send/trust.h"

/* A zeroed struct is closed.  It must not move while it is open. */
struct secure {
	SSL *ssl;
	const char *name;                /* that the server has to have */
	bool broken;                     /* nothing can be sent any more */
	short read_events, write_events; /* what poll(2) has to wait for, to read or to write */
	struct refusal refusal;          /* why a call has failed with EPROTO */
};

/* The socket stays the caller's.  0, or -1 when memory is short. */
int secure_open(struct secure *secure, const struct trust *trust, int fd);

/* Says that we send no more, where that goes at once, and frees.  Before the socket is closed. */
void secure_close(struct secure *secure);

/*
 * As recv() and send(): so many bytes; 0 from secure_read() when the server has said that it
 * sends no more; or -1 and errno: EAGAIN, try again after read_events or write_events; EPROTO,
 * see the refusal; else the socket's.  A write after EAGAIN has to begin with the same bytes.
 */
ssize_t secure_read(struct secure *secure, void *bytes, size_t len);
ssize_t secure_write(struct secure *secure, const void *bytes, size_t len);

/* The handshake, before the others.  0 when it is over, else -1 and errno as above. */
int secure_handshake(struct secure *secure);

#endif
