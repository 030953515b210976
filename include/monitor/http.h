/* SPDX-License-Identifier: ISC */
/*
 * The HTTP side, by libmicrohttpd in the caller's own loop: no thread is started.  Whatever comes in is bounded: how many
 * connections, how many of one address, how long a request may take, how much memory it gets.  One thread.
 */
#ifndef MONITOR_HTTP_H
#define MONITOR_HTTP_H

#include <microhttpd.h>
#include <stdint.h>

#include "monitor/watch.h"

enum {
	HTTP_CONNECTIONS = 64,
	HTTP_CONNECTIONS_OF_ONE = 16,    /* address; who comes through the file system has none */
	HTTP_CONNECTIONS_OF_OTHERS = 32, /* come in up to here: those who may not ask */
	HTTP_MEMORY_BYTES = 16 * 1024,   /* of a connection, for the head of its request */
	HTTP_IDLE_S = 10,
	HTTP_REQUEST_MS = 10000, /* for a request, from the answer before it to its own end */
};

struct http_connection {
	int fd;              /* -1: free */
	int64_t deadline_ms; /* of what is under way */
};

struct http {
	struct MHD_Daemon *daemon;
	struct watch *watch;
	int fd; /* to be polled for input */
	struct http_connection connections[HTTP_CONNECTIONS];
};

/* Serves on a socket that listens, which stays the caller's.  0, or -1: there was no memory or descriptor for it. */
int http_open(struct http *http, int listener, struct watch *watch);
void http_close(struct http *http);

/* Goes on where anything can be done, and ends what takes too long.  Returns the milliseconds until it has to be called
 * again at the latest, or -1. */
int http_run(struct http *http);

#endif
