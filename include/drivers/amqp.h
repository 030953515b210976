/* SPDX-License-Identifier: ISC */
/* What both halves of the AMQP driver, the one that publishes and the one that reads, need of librabbitmq. */
#ifndef DRIVERS_AMQP_H
#define DRIVERS_AMQP_H

#include <amqp.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "forward/driver.h"

enum { AMQP_CHANNEL = 1 };

/* A connection with one open channel.  One thread, but for amqp_link_cut(). */
struct amqp_link {
	amqp_connection_state_t connection; /* NULL: there is none */
	_Atomic int fd;                     /* of its socket; -1: not connected */
	atomic_bool cut;                    /* not to be opened any more */
	struct ssl_st *ssl;                 /* the library's, while it is open */
	const char *distrust; /* what is wrong with the broker's certificate; NULL: nothing */
};

/*
 * Connects to one of the hosts, whichever answers first from a random one on, and opens the channel.  Takes seconds for each that does not
 * answer.  FORWARD_OK; FORWARD_RETRY or FORWARD_FATAL with why, and the link is closed.
 */
enum forward_outcome amqp_link_open(
	struct amqp_link *link, const struct forward_target *target, char why[FORWARD_WHY_MAX]);

/* Politely where the broker answers; nothing to do for one that is closed. */
void amqp_link_close(struct amqp_link *link);

/* Whoever waits for the broker, in another thread, sees the connection end. */
void amqp_link_cut(struct amqp_link *link);

/* What became of the last call; `what` says what was asked. */
enum forward_outcome amqp_link_result(
	const struct amqp_link *link, const char *what, char why[FORWARD_WHY_MAX]);

/* The same of a call that returns a status of the library, not AMQP_STATUS_OK. */
enum forward_outcome amqp_link_status(int status, const char *what, char why[FORWARD_WHY_MAX]);

/* The same of a close that the broker has sent. */
enum forward_outcome amqp_link_closed(const amqp_method_t *method, char why[FORWARD_WHY_MAX]);

/* Has a socket of the library ask for TLS, and for the certificate of that host.  FORWARD_OK; FORWARD_FATAL with why. */
enum forward_outcome amqp_tls_set(struct amqp_link *link, amqp_socket_t *socket,
	const struct forward_target *target, const char *host, char why[FORWARD_WHY_MAX]);

/* For a moment, whether the broker refuses our certificate.  As above. */
enum forward_outcome amqp_tls_await_objection(
	const struct amqp_link *link, int fd, const char *host, char why[FORWARD_WHY_MAX]);

/* Why the last call of the library in this thread has failed, by TLS; `distrust` is the link's, or NULL. */
enum forward_outcome amqp_tls_failed(
	const char *what, const char *distrust, char why[FORWARD_WHY_MAX]);

/* A copy of all of it, or NULL: no memory; with its password wiped. */
struct forward_target *amqp_target_copy(const struct forward_target *from);
void amqp_target_free(struct forward_target *target);

/* As the library wants to be told how long to wait. */
static inline struct timeval
amqp_link_wait(int wait_ms)
{
	return (struct timeval){.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000L};
}

/* The half that reads. */
enum forward_outcome amqp_read_open(const struct forward_target *target, int64_t since_ms,
	void **state, char why[FORWARD_WHY_MAX]);
enum forward_outcome amqp_read_next(
	void *state, struct forward_message *message, int timeout_ms, char why[FORWARD_WHY_MAX]);
void amqp_read_close(void *state);

#endif
