/* SPDX-License-Identifier: ISC */
/*
 * One client and its thread: the data path.  Read, collect, take tokens, judge,
 * append, settle, answer: a batch goes through once and touches nothing else.
 */
#ifndef SERVE_CONN_H
#define SERVE_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/address.h"
#include "core/session.h"
#include "core/unpack.h"
#include "net/stream.h"
#include "serve/arrival.h"
#include "serve/batches.h"
#include "serve/view.h"
#include "shm/limiter.h"
#include "shm/roster.h"
#include "shm/scoreboard.h"
#include "store/journal.h"

/* What all connections of a worker share; but for the journal unchanged while any of them lives. */
struct conn_world {
	size_t worker; /* its slot */
	struct view_desk *desk;
	struct batches *batches;
	struct limiter *limiter;
	struct limiter *denied; /* counts refusals by client */
	struct roster *roster;
	struct scoreboard *scoreboard;
	const struct tls *tls;           /* for connections that want it; NULL: none may */
	struct journal *_Atomic journal; /* NULL as long as nothing was to be stored */
	const atomic_bool *draining;     /* read no further than what has arrived */
	const atomic_bool *leaving;      /* the worker waits for its last client to go */
	atomic_bool *cooled;             /* set when a client has given memory back to the heap */
};

struct conn {
	const struct conn_world *world;
	const struct view *view; /* the settings in force for the batch under way */
	struct stream stream;
	struct session session;
	struct unpack unpack; /* of a Listen line that says gzip; else all zero */
	struct address address;
	struct address key; /* what the limiter counts the client by */
	char client[ADDRESS_TEXT_MAX];
	struct buf subject;        /* of its certificate, escaped for JSON */
	struct clock_time read_at; /* when the bytes came that are being answered */
	int64_t line_since_ms; /* ReadTimeout: when the line without an end began; 0: none, or no limit */
	uint64_t newlines; /* taken when that was looked at */
	bool flooding;     /* the last read has filled the buffer */
	uint32_t options;  /* of its Listen line: enum listen_option */
	int place;         /* in the roster */
	bool denied;       /* what the settings in force say of it */
	bool exempt;       /* its lines take no tokens */
};

/* Takes over the socket of a client; its place in the roster stays the caller's. */
void conn_init(struct conn *conn, const struct conn_world *world, const struct arrival *arrival,
	int place);

/*
 * Serves the client to its end: its FIN, an error, a time limit, or the worker's drain.
 * Returns whether the last answers are worth waiting for when the connection is closed.
 */
bool conn_serve(struct conn *conn);

/* A balancer has told who its client is.  Whether that one may be here: its place in the roster is its own from now on. */
bool conn_admit(struct conn *conn, const struct address *client);

/* Counts that it may not be here, and may tell it.  Whether it is worth lingering for. */
bool conn_deny(struct conn *conn, bool tell);

/* Counts that a client was denied access, also by its address. */
void conn_count_denied(const struct conn_world *world, const struct address *key, int64_t now_ms);

/* Wakes a connection that waits for its client: nothing but what has arrived is to be read.  Any thread. */
void conn_stop_reading(struct conn *conn);

/*
 * Ends the connection; with `linger` so that the last answers arrive.  The second half is what the client can
 * see: what it may find changed when it comes back is done between the two.
 */
void conn_linger(struct conn *conn);
void conn_close(struct conn *conn, bool linger);

/* Frees the memory of a connection whose socket is closed, or was not ours to close. */
void conn_fini(struct conn *conn);

#endif
