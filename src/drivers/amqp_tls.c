/* SPDX-License-Identifier: ISC */
/*
 * The AMQP driver: TLS.  The library compares names with DNS names alone and keeps its reasons to itself: so OpenSSL is told whom to expect, and
 * asked what was wrong.
 */
#include <amqp_ssl_socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>

#include "drivers/amqp.h"

enum { OBJECTION_MS = 250 };

/* This version of the library cannot be told to use the system's. */
#define AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"

/* NULL: it is none of OpenSSL's. */
static const char *
reason_of(unsigned long code)
{
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)
		return "this port does not speak TLS";
	return code == 0 ? NULL : ERR_reason_error_string(code);
}

/* A broker that dies in the middle is none that refuses us. */
static bool
is_refusal(unsigned long code)
{
	return ERR_GET_LIB(code) == ERR_LIB_SSL &&
	       ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

enum forward_outcome
amqp_tls_failed(const char *what, const char *distrust, char why[FORWARD_WHY_MAX])
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = reason_of(code);
	if (distrust != NULL)
		snprintf(why, FORWARD_WHY_MAX, "%s: its certificate is not trusted: %s", what,
			distrust);
	else
		snprintf(why, FORWARD_WHY_MAX, "%s: TLS: %s", what,
			reason == NULL ? "the connection was cut" : reason);
	return distrust != NULL || is_refusal(code) ? FORWARD_FATAL : FORWARD_RETRY;
}

/* What was first to fail says most of a file that is not there, what was last of one that does not fit. */
static enum forward_outcome
bad_file(const char *path, const char *key, char why[FORWARD_WHY_MAX])
{
	unsigned long first = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(first) ? strerrordesc_np(ERR_GET_REASON(first))
	                                             : reason_of(ERR_peek_last_error());
	snprintf(why, FORWARD_WHY_MAX, "TLS: cannot use %.200s%s%.200s: %s", path,
		key == NULL ? "" : " with ", key == NULL ? "" : key,
		reason == NULL ? "OpenSSL does not say why" : reason);
	return FORWARD_FATAL;
}

static int
on_certificate(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct amqp_link *link = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	link->ssl = ssl;
	if (!good)
		link->distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	return good;
}

/* Nobody is there to type one. */
static int
no_passphrase(char *room, int size, int writing, void *context)
{
	(void)room;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static bool
expect_host(SSL_CTX *context, const char *host)
{
	X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1 ||
	       X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1;
}

enum forward_outcome
amqp_tls_set(struct amqp_link *link, amqp_socket_t *socket, const struct forward_target *target,
	const char *host, char why[FORWARD_WHY_MAX])
{
	SSL_CTX *context = amqp_ssl_socket_get_context(socket);
	const char *authorities = target->tls_ca != NULL ? target->tls_ca : AUTHORITIES;
	link->distrust = NULL;
	link->ssl = NULL;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (amqp_ssl_socket_set_cacert(socket, authorities) != AMQP_STATUS_OK)
		return bad_file(authorities, NULL, why);
	if (target->tls_cert != NULL && amqp_ssl_socket_set_key(socket, target->tls_cert,
						target->tls_key) != AMQP_STATUS_OK)
		return bad_file(target->tls_cert, target->tls_key, why);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_app_data(context, link);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_certificate);
	amqp_ssl_socket_set_verify_peer(socket, true);
	amqp_ssl_socket_set_verify_hostname(socket, false);
	if (expect_host(context, host))
		return FORWARD_OK;
	snprintf(why, FORWARD_WHY_MAX, "%s: cannot be the name of a broker", host);
	return FORWARD_FATAL;
}

/* With TLS 1.3 we are done before the broker has judged our certificate.  Who writes to one that has hung up does not get to read why. */
enum forward_outcome
amqp_tls_await_objection(
	const struct amqp_link *link, int fd, const char *host, char why[FORWARD_WHY_MAX])
{
	char byte;
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	if (link->ssl == NULL || SSL_version(link->ssl) < TLS1_3_VERSION ||
		poll(&ready, 1, OBJECTION_MS) <= 0)
		return FORWARD_OK;
	ERR_clear_error();
	if (SSL_peek(link->ssl, &byte, 1) > 0 || !is_refusal(ERR_peek_last_error()))
		return FORWARD_OK;
	return amqp_tls_failed(host, NULL, why);
}
