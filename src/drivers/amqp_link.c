/* SPDX-License-Identifier: ISC */
/* The AMQP driver: how brokers are reached, and what their errors mean. */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <bsd/stdlib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "drivers/amqp.h"

enum {
	CONNECT_S = 3, /* a handshake of TLS included */
	ANSWER_S = 10,
	HEARTBEAT_S = 10,                  /* two of them without a word: it is away */
	STALL_MS = 2 * HEARTBEAT_S * 1000, /* so long it may leave unread what is sent */
	FRAME_BYTES = 131072
};

/* Those that somebody has to do something about; others pass. */
static bool
is_refusal(int code)
{
	static const int refusals[] = {AMQP_CONTENT_TOO_LARGE, AMQP_INVALID_PATH,
		AMQP_ACCESS_REFUSED, AMQP_NOT_FOUND, AMQP_PRECONDITION_FAILED, AMQP_NOT_ALLOWED,
		AMQP_NOT_IMPLEMENTED};
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (code == refusals[i])
			return true;
	}
	return false;
}

enum forward_outcome
amqp_link_status(int status, const char *what, char why[FORWARD_WHY_MAX])
{
	if (status <= AMQP_STATUS_SSL_ERROR)
		return amqp_tls_failed(what, NULL, why);
	snprintf(why, FORWARD_WHY_MAX, "%s: %s", what, amqp_error_string2(status));
	return is_refusal(status) ? FORWARD_FATAL : FORWARD_RETRY;
}

static enum forward_outcome
say_closed(uint16_t code, amqp_bytes_t text, char why[FORWARD_WHY_MAX])
{
	snprintf(why, FORWARD_WHY_MAX, "%.*s", (int)text.len, (const char *)text.bytes);
	return is_refusal(code) ? FORWARD_FATAL : FORWARD_RETRY;
}

enum forward_outcome
amqp_link_closed(const amqp_method_t *method, char why[FORWARD_WHY_MAX])
{
	if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
		const amqp_connection_close_t *end = method->decoded;
		return say_closed(end->reply_code, end->reply_text, why);
	}
	if (method->id == AMQP_CHANNEL_CLOSE_METHOD) {
		const amqp_channel_close_t *end = method->decoded;
		return say_closed(end->reply_code, end->reply_text, why);
	}
	snprintf(why, FORWARD_WHY_MAX, "the broker says %s", amqp_method_name(method->id));
	return FORWARD_RETRY;
}

static enum forward_outcome
judge(amqp_rpc_reply_t reply, const char *what, char why[FORWARD_WHY_MAX])
{
	switch (reply.reply_type) {
	case AMQP_RESPONSE_NORMAL:
		return FORWARD_OK;
	case AMQP_RESPONSE_SERVER_EXCEPTION:
		return amqp_link_closed(&reply.reply, why);
	default:
		return amqp_link_status(reply.library_error, what, why);
	}
}

enum forward_outcome
amqp_link_result(const struct amqp_link *link, const char *what, char why[FORWARD_WHY_MAX])
{
	return judge(amqp_get_rpc_reply(link->connection), what, why);
}

/* The library waits for ever to send; TCP, for a broker that has vanished, a quarter of an hour. */
static void
bound_sending(int fd)
{
	const unsigned stall_ms = STALL_MS;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
}

static enum forward_outcome
connect_to(struct amqp_link *link, const struct forward_target *target,
	const struct forward_host *host, char why[FORWARD_WHY_MAX])
{
	const struct timeval connect = {.tv_sec = CONNECT_S}, answer = {.tv_sec = ANSWER_S};
	amqp_socket_t *socket = target->tls ? amqp_ssl_socket_new(link->connection)
	                                    : amqp_tcp_socket_new(link->connection);
	if (socket == NULL)
		return amqp_link_status(AMQP_STATUS_NO_MEMORY, host->host, why);
	enum forward_outcome outcome = FORWARD_OK;
	if (target->tls)
		outcome = amqp_tls_set(link, socket, target, host->host, why);
	if (outcome != FORWARD_OK)
		return outcome;
	int status = amqp_socket_open_noblock(socket, host->host, host->port, &connect);
	if (status <= AMQP_STATUS_SSL_ERROR)
		return amqp_tls_failed(host->host, link->distrust, why);
	if (status != AMQP_STATUS_OK)
		return amqp_link_status(status, host->host, why);
	bound_sending(amqp_socket_get_sockfd(socket));
	atomic_store(&link->fd, amqp_socket_get_sockfd(socket));
	if (atomic_load(&link->cut))
		return amqp_link_status(AMQP_STATUS_CONNECTION_CLOSED, host->host, why);
	if (target->tls)
		outcome = amqp_tls_await_objection(link, atomic_load(&link->fd), host->host, why);
	if (outcome != FORWARD_OK)
		return outcome;
	(void)amqp_set_handshake_timeout(link->connection, &answer);
	(void)amqp_set_rpc_timeout(link->connection, &answer);
	return FORWARD_OK;
}

static const char *
vhost_of(const struct forward_target *target)
{
	const char *vhost = forward_option(target, "vhost");
	return vhost != NULL ? vhost : "/";
}

/* Without a name of its own, the one that a broker on the same machine lets in. */
static enum forward_outcome
log_in(const struct amqp_link *link, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	const char *user = target->user != NULL ? target->user : "guest";
	const char *password = target->user != NULL ? target->password : "guest";
	amqp_rpc_reply_t reply = amqp_login(link->connection, vhost_of(target), 0, FRAME_BYTES,
		HEARTBEAT_S, AMQP_SASL_METHOD_PLAIN, user, password);
	enum forward_outcome outcome = judge(
		reply, target->tls ? "log in" : "log in without TLS, which the port may want", why);
	if (outcome != FORWARD_OK)
		return outcome;
	amqp_channel_open(link->connection, AMQP_CHANNEL);
	return amqp_link_result(link, "open a channel", why);
}

static enum forward_outcome
try_host(struct amqp_link *link, const struct forward_target *target,
	const struct forward_host *host, char why[FORWARD_WHY_MAX])
{
	link->connection = amqp_new_connection();
	if (link->connection == NULL)
		return amqp_link_status(AMQP_STATUS_NO_MEMORY, host->host, why);
	enum forward_outcome outcome = connect_to(link, target, host, why);
	if (outcome == FORWARD_OK)
		outcome = log_in(link, target, why);
	if (outcome != FORWARD_OK)
		amqp_link_close(link);
	return outcome;
}

enum forward_outcome
amqp_link_open(
	struct amqp_link *link, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	size_t count = target->host_count, first = arc4random_uniform((uint32_t)count);
	enum forward_outcome outcome = FORWARD_RETRY;
	bool refused = false;
	char reason[FORWARD_WHY_MAX] = "nobody wants the connection any more";
	for (size_t i = 0; i < count && outcome != FORWARD_OK && !atomic_load(&link->cut); i++) {
		outcome = try_host(link, target, &target->hosts[(first + i) % count], reason);
		/* One that refuses us has more to tell than others that are away. */
		if (outcome != FORWARD_OK && (outcome == FORWARD_FATAL || !refused))
			memcpy(why, reason, sizeof reason);
		refused |= outcome == FORWARD_FATAL;
	}
	return outcome != FORWARD_OK && refused ? FORWARD_FATAL : outcome;
}

void
amqp_link_close(struct amqp_link *link)
{
	if (link->connection == NULL)
		return;
	/* From here on the library may close the descriptor. */
	atomic_store(&link->fd, -1);
	amqp_destroy_connection(link->connection);
	link->connection = NULL;
}

void
amqp_link_cut(struct amqp_link *link)
{
	atomic_store(&link->cut, true);
	int fd = atomic_load(&link->fd);
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}
