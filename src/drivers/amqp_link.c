/* SPDX-License-Identifier: ISC */
/* The AMQP driver: how brokers are reached, and what their errors mean. */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <bsd/stdlib.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "drivers/amqp.h"

enum { CONNECT_S = 1, ANSWER_S = 10, HEARTBEAT_S = 10, FRAME_BYTES = 131072 };

/* This version of the library cannot be told to use the system's. */
#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

/* Those that somebody has to do something about; others pass. */
static bool
is_refusal(int code)
{
	static const int refusals[] = {AMQP_CONTENT_TOO_LARGE, AMQP_INVALID_PATH,
		AMQP_ACCESS_REFUSED, AMQP_NOT_FOUND, AMQP_PRECONDITION_FAILED, AMQP_NOT_ALLOWED,
		AMQP_NOT_IMPLEMENTED, AMQP_STATUS_SSL_ERROR, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED,
		AMQP_STATUS_SSL_PEER_VERIFY_FAILED};
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (code == refusals[i])
			return true;
	}
	return false;
}

enum forward_outcome
amqp_link_status(int status, const char *what, char why[FORWARD_WHY_MAX])
{
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

static enum forward_outcome
set_tls(amqp_socket_t *socket, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	const char *authorities = target->tls_ca != NULL ? target->tls_ca : AUTHORITIES;
	int status = amqp_ssl_socket_set_cacert(socket, authorities);
	if (status != AMQP_STATUS_OK)
		return amqp_link_status(status, authorities, why), FORWARD_FATAL;
	if (target->tls_cert != NULL)
		status = amqp_ssl_socket_set_key(socket, target->tls_cert, target->tls_key);
	if (status != AMQP_STATUS_OK)
		return amqp_link_status(status, target->tls_cert, why), FORWARD_FATAL;
	amqp_ssl_socket_set_verify_peer(socket, true);
	amqp_ssl_socket_set_verify_hostname(socket, true);
	(void)amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
	return FORWARD_OK;
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
	enum forward_outcome outcome = target->tls ? set_tls(socket, target, why) : FORWARD_OK;
	if (outcome != FORWARD_OK)
		return outcome;
	int status = amqp_socket_open_noblock(socket, host->host, host->port, &connect);
	if (status != AMQP_STATUS_OK)
		return amqp_link_status(status, host->host, why);
	atomic_store(&link->fd, amqp_socket_get_sockfd(socket));
	if (atomic_load(&link->cut))
		return amqp_link_status(AMQP_STATUS_CONNECTION_CLOSED, host->host, why);
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
	enum forward_outcome outcome = judge(reply, "log in", why);
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
	size_t first = arc4random_uniform((uint32_t)target->host_count);
	enum forward_outcome outcome = FORWARD_RETRY;
	for (size_t i = 0;
		i < target->host_count && outcome != FORWARD_OK && !atomic_load(&link->cut); i++)
		outcome = try_host(
			link, target, &target->hosts[(first + i) % target->host_count], why);
	return outcome;
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
