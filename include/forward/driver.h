/* SPDX-License-Identifier: ISC */
/*
 * What the forwarder knows of an engine: a driver, one for each kind.  A driver is a module, NAME.so in the folder of modules
 * (forward/module.h), where NAME is the scheme of the address: kafka, amqp.  It is loaded in the process that uses it
 * (the forwarder, or logcollect-cat), never in the supervisor or a worker, and uses nothing of its host but what is handed
 * to it here, so that it may link whatever library it needs.  It may include this header and those of base/; it calls nothing of the daemon.
 *
 * The forwarder has one thread and must show signs of life: NO CALL MAY BLOCK for longer than its timeout_ms (open, publish and
 * close: about a second), whatever the engine does.  Names are resolved, and engines dialled, by the driver's own
 * threads or without blocking.  Threads of a driver have all signals blocked (the forwarder blocks them before open).
 *
 * A call that fails puts a sentence into `why`, without a newline or a password, for the daemon's log: the forwarder says it once while it
 * lasts.  Nothing else is printed by a driver, neither to stdout nor to stderr.
 */
#ifndef FORWARD_DRIVER_H
#define FORWARD_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	FORWARD_DRIVER_VERSION = 1, /* of all of this: another one is not used */
	FORWARD_WHY_MAX = 512,
};

/* The name of the one symbol that a module exports: a const struct forward_driver. */
#define FORWARD_DRIVER_SYMBOL "logcollectd_forward_driver"
#define FORWARD_DRIVER_EXPORT __attribute__((visibility("default")))

enum forward_outcome {
	/* Done: open is open; a published batch is stored by the engine as safely as it can (all in-sync replicas, a quorum). */
	FORWARD_OK,
	/* timeout_ms has passed and it is not known yet: the same call again. */
	FORWARD_PENDING,
	/*
	 * It is not known whether the batch has arrived, or it has not; or the engine is away.  The forwarder closes, backs
	 * off, opens again and publishes the same bytes with the same id.
	 */
	FORWARD_RETRY,
	/*
	 * The same, but an operator has to do something first: the engine refuses us (no such topic or exchange, wrong
	 * password).  The forwarder is told apart only by what it says and by how long it backs off.
	 */
	FORWARD_FATAL,
	/*
	 * The engine has not taken the batch, because it takes no message that is so long.  The forwarder cuts it in two, under
	 * other ids; of a single line it is the same as FORWARD_FATAL.
	 */
	FORWARD_TOO_LARGE,
	/* Of a reader: all that was there when it was opened has been read. */
	FORWARD_END,
};

struct forward_host {
	const char *host; /* a name or an address, IPv6 without its brackets */
	uint16_t port;    /* never 0 */
};

struct forward_option {
	const char *name; /* in lower case: topic, key, exchange, routing-key, queue-type */
	const char
		*value; /* as it was said, but for %{node}, which is replaced already; never "" */
};

/*
 * Where to, and how.  All of it is the caller's and stays until close().  Names and values have been
 * checked against the table of core/engine.c: no unknown option, none missing that is required.
 */
struct forward_target {
	const char *node; /* the name of this collector */
	const struct forward_host *hosts;
	size_t host_count; /* 1 or more: any of them will do to begin with */
	const struct forward_option *options;
	size_t option_count;
	bool tls; /* with it the engine's certificate and name are always verified */
	const char
		*tls_ca; /* PEM files; NULL: the system's authorities, no certificate of our own */
	const char *tls_cert;
	const char *tls_key;
	const char *user; /* NULL: none, and no password */
	const char *password;
};

/* The value of that name, or NULL. */
static inline const char *
forward_option(const struct forward_target *target, const char *name)
{
	for (size_t i = 0; i < target->option_count; i++) {
		if (strcmp(target->options[i].name, name) == 0)
			return target->options[i].value;
	}
	return NULL;
}

/*
 * Whole lines, each with its '\n'.  `id` is printable ASCII without spaces, less than 512 bytes, and names these bytes for ever: it
 * travels with the message (Kafka: a header `id`; AMQP: message-id), so that readers drop repeats.
 */
struct forward_batch {
	const char *id;
	const char *node; /* travels as well (a header `node`) */
	const char *bytes;
	size_t len;
};

/* What a reader has got.  Valid until the next call. */
struct forward_message {
	const char *id;   /* NULL: it came without one, from somebody else */
	const char *node; /* NULL: the same */
	const char *bytes;
	size_t len;
	int64_t time_ms; /* when the engine took it, since 1970; 0: it does not tell */
};

/*
 * A driver's functions, called by one thread at a time.  `state` is what open has made; it may be anything but NULL.
 */
struct forward_driver {
	uint32_t version;   /* FORWARD_DRIVER_VERSION; first in every version of this */
	uint32_t size;      /* sizeof (struct forward_driver) */
	const char *scheme; /* "kafka" */
	const char *engine; /* for people: "librdkafka 2.0.2" */

	/*
	 * Makes ready to publish.  It may return before the engine was reached, which then shows when a batch is published.
	 * FORWARD_OK with *state; FORWARD_RETRY or FORWARD_FATAL, with nothing left behind.
	 */
	enum forward_outcome (*open)(
		const struct forward_target *target, void **state, char why[FORWARD_WHY_MAX]);

	/*
	 * Begins to send one batch.  The bytes stay where they are until it was confirmed or the state was closed.  There is never a
	 * second one before the first was confirmed.  FORWARD_OK: sent, or to be sent; FORWARD_RETRY, FORWARD_FATAL.
	 */
	enum forward_outcome (*publish)(
		void *state, const struct forward_batch *batch, char why[FORWARD_WHY_MAX]);

	/*
	 * Waits for the engine's word on the batch: FORWARD_OK, FORWARD_PENDING, FORWARD_RETRY, FORWARD_FATAL.  While the engine is
	 * away a driver may go on by itself and say FORWARD_PENDING for ever, with what is wrong in `why` ("" otherwise).
	 */
	enum forward_outcome (*confirm)(void *state, int timeout_ms, char why[FORWARD_WHY_MAX]);

	/* What is not confirmed is given up.  NULL is allowed in none of these. */
	void (*close)(void *state);

	/*
	 * Reads from the oldest message on, or from those that the engine took at since_ms or later (0: all; a driver that cannot
	 * seek reads all, and the caller looks at time_ms).  Takes nothing away: whoever reads next sees the same.
	 * Messages of one node come in the order in which they were published.  As open.  NULL: this driver cannot read.
	 */
	enum forward_outcome (*read_open)(const struct forward_target *target, int64_t since_ms,
		void **state, char why[FORWARD_WHY_MAX]);

	/* The next one: FORWARD_OK, FORWARD_PENDING, FORWARD_END, FORWARD_RETRY, FORWARD_FATAL. */
	enum forward_outcome (*read_next)(void *state, struct forward_message *message,
		int timeout_ms, char why[FORWARD_WHY_MAX]);

	void (*read_close)(void *state);
};

#endif
