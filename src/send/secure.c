/* SPDX-License-Identifier: ISC */
/* Sessions of OpenSSL.  What goes wrong is turned into an errno and words at once. */
#include "send/secure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include "send/wire.h"

/* The first thing wrong with the server's certificate is the one that is told. */
static int
on_verified(int ok, X509_STORE_CTX *store)
{
	if (ok)
		return 1;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct secure *secure = SSL_get_app_data(ssl);
	refusal_of_certificate(&secure->refusal, X509_STORE_CTX_get_error(store),
		X509_STORE_CTX_get_current_cert(store), secure->name);
	return 0;
}

static bool
is_address(const char *name)
{
	struct in6_addr address;
	return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

static int
expect_name(SSL *ssl, const struct trust_options *options)
{
	bool address = is_address(options->name);
	if (!address && SSL_set_tlsext_host_name(ssl, options->name) != 1)
		return -1;
	if (options->insecure)
		return 0;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verified);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	int ok = address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), options->name)
	                 : SSL_set1_host(ssl, options->name);
	return ok == 1 ? 0 : -1;
}

int
secure_open(struct secure *secure, const struct trust *trust, int fd)
{
	*secure = (struct secure){
		.ssl = SSL_new(trust->context),
		.name = trust->options->name,
		.read_events = POLLIN,
		.write_events = POLLOUT,
	};
	BIO *bio = secure->ssl != NULL ? wire_new(trust->method, fd) : NULL;
	if (bio != NULL)
		SSL_set_bio(secure->ssl, bio, bio);
	if (bio != NULL && expect_name(secure->ssl, trust->options) == 0) {
		SSL_set_app_data(secure->ssl, secure);
		return 0;
	}
	secure->broken = true;
	secure_close(secure);
	return -1;
}

void
secure_close(struct secure *secure)
{
	ERR_clear_error();
	if (secure->ssl != NULL && !secure->broken && SSL_is_init_finished(secure->ssl))
		SSL_shutdown(secure->ssl);
	SSL_free(secure->ssl);
	secure->ssl = NULL;
	ERR_clear_error();
}

/* A call did not succeed; errno is still that of the socket. */
static int
fail(struct secure *secure, int result, short *events)
{
	int error = errno;
	switch (SSL_get_error(secure->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		secure->broken = true;
		errno = error != 0 ? error : ECONNRESET;
		return -1;
	default:
		secure->broken = true;
		if (secure->refusal.text[0] == '\0')
			refusal_of_error(&secure->refusal, ERR_get_error());
		errno = EPROTO;
		return -1;
	}
}

int
secure_handshake(struct secure *secure)
{
	ERR_clear_error();
	errno = 0;
	int result = SSL_connect(secure->ssl);
	if (result == 1) {
		secure->read_events = POLLIN;
		return 0;
	}
	if (fail(secure, result, &secure->read_events) == 0)
		errno = ECONNRESET; /* a goodbye instead of a handshake */
	return -1;
}

ssize_t
secure_read(struct secure *secure, void *bytes, size_t len)
{
	ERR_clear_error();
	errno = 0;
	int n = SSL_read(secure->ssl, bytes, len < INT_MAX ? (int)len : INT_MAX);
	if (n <= 0)
		return fail(secure, n, &secure->read_events);
	secure->read_events = POLLIN;
	return n;
}

ssize_t
secure_write(struct secure *secure, const void *bytes, size_t len)
{
	ERR_clear_error();
	errno = 0;
	int n = SSL_write(secure->ssl, bytes, len < INT_MAX ? (int)len : INT_MAX);
	if (n > 0) {
		secure->write_events = POLLOUT;
		return n;
	}
	if (fail(secure, n, &secure->write_events) == 0)
		errno = EPIPE;
	return -1;
}
