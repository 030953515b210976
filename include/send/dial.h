/* SPDX-License-Identifier: ISC */
/*
 * Connects to a name and port, or to unix:/path, without blocking, trying one address of the name after the other.
 *
 *	dial_open  ->  dial_next  ->  (poll until dial->fd is writable)  ->  dial_finish
 *	                   ^---------------- DIAL_FAILED ------------------------'
 *
 * Only the look-up of the name waits.  One thread at a time.
 */
#ifndef SEND_DIAL_H
#define SEND_DIAL_H

#include <netdb.h>
#include <sys/un.h>

struct dial {
	struct addrinfo *found, *next;
	struct addrinfo local; /* for a socket in the file system, which is its own only address */
	struct sockaddr_un local_address;
	int fd;             /* of the address that is being tried, else -1 */
	const char *reason; /* why the last thing failed; valid until the next call */
};

enum dial_event {
	DIAL_PENDING,   /* under way: poll for writing, then dial_finish() */
	DIAL_CONNECTED, /* dial->fd is the caller's now: non-blocking, close-on-exec, no delay */
	DIAL_FAILED,    /* this address (dial_finish) or every one (dial_next); see reason */
};

/* The path of a host that is unix:path, which may be no good one; or NULL. */
const char *dial_local_path(const char *host);

/* Looks the name up; of unix:/path the port does not matter.  0, or -1 with a reason.  To be closed in both cases. */
int dial_open(struct dial *dial, const char *host, const char *port);

/* Gives up the address that is being tried and tries the next ones. */
enum dial_event dial_next(struct dial *dial);

/* The outcome of the attempt that was pending. */
enum dial_event dial_finish(struct dial *dial);

/* Frees the list and closes an attempt that is pending.  A zeroed struct with fd -1 is closed. */
void dial_close(struct dial *dial);

#endif
