/* SPDX-License-Identifier: ISC */
/*
 * One client and its thread: the data path.  Read, collect, take tokens, judge,
 * append, settle, answer: a batch goes through once and touches nothing else.
 */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "core/address.h"
#include "core/session.h"
#include "net/stream.h"
#include "settings/settings.h"
#include "shm/limiter.h"
#include "shm/scoreboard.h"
#include "store/journal.h"

/* What all connections of a worker share; unchanged while any of them lives. */
struct conn_world {
	size_t worker; /* index of the worker */
	const struct settings *settings;
	struct limiter *limiter;
	struct scoreboard *scoreboard;
	struct journal *journal;
	const atomic_bool *draining;
	atomic_bool *cooled; /* set when a client has given memory back to the heap */
};

struct conn {
	const struct conn_world *world;
	struct stream stream;
	struct session session;
	struct address key; /* what the limiter counts the client by */
	char client[ADDRESS_TEXT_MAX];
	size_t drain_bytes; /* while draining: how much is still to be read */
	bool drain_begun;
};

/* Takes over the socket of a client. */
void conn_init(
	struct conn *conn, const struct conn_world *world, int fd, const struct address *client);

/*
 * Serves the client to its end: its FIN, an error, a time limit, or the worker's drain.
 * Returns whether the last answers are worth waiting for when the stream is closed.
 */
bool conn_serve(struct conn *conn);

/* Frees the memory; the stream is the caller's to close. */
void conn_fini(struct conn *conn);

#endif
