/* SPDX-License-Identifier: ISC */
/*
 * The connection to the server, plain or TLS: the sender need not know which.  No call waits, none
 * raises a signal.  One thread at a time.
 */
#ifndef SEND_LINK_H
#define SEND_LINK_H

#include "send/secure.h"

/* Closed: {.fd = -1}.  It must not move while it is open. */
struct link {
	int fd;
	struct secure secure; /* of a plain connection it is closed */
};

/* Takes a connected, non-blocking socket; `trust` NULL: plain.  0, or -1 when memory is short. */
int link_open(struct link *link, int fd, const struct trust *trust);

/* Says goodbye where that goes at once, and closes.  May be closed already. */
void link_close(struct link *link);

/* Goes on with what comes before the first byte.  0 when it is over, else -1 and errno. */
int link_greet(struct link *link);

/* As recv() and send(); EAGAIN: again after link_read_events() or link_write_events(). */
ssize_t link_read(struct link *link, void *bytes, size_t len);
ssize_t link_write(struct link *link, const void *bytes, size_t len);
short link_read_events(const struct link *link);
short link_write_events(const struct link *link);

/* What the `error` of the last call means; holds until the link is closed. */
const char *link_reason(const struct link *link, int error);

/* Whether the last call showed that another connection would end the same. */
bool link_is_hopeless(const struct link *link);

#endif
