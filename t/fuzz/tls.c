/* SPDX-License-Identifier: ISC */
/*
 * A server's side of TLS against a client whose bytes are tampered with on their way: whatever comes, it ends, and what the
 * server reads is the beginning of what the client has written, all of it where nothing was changed.
 * The input says what happens to each piece that the client sends: two bytes, what and where.
 */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz/expect.h"
#include "net/stream.h"
#include "net/tls_io.h"

enum { LINES_BYTES = 50000, WAIT_MS = 200, UNTOUCHED_WAIT_MS = 10000 };

enum tampering { PASS, FLIP, CUT, TWICE, INSERT, END, TAMPERINGS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tamperer {
	int fd;
	const uint8_t *data;
	size_t size;
	int wait_ms; /* for what may never come */
	bool over, tampered;
};

static struct tls server;
static SSL_CTX *client_context;
static char lines[LINES_BYTES];

static void
set_up(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, EVP_sha256());
	server.context = SSL_CTX_new(TLS_server_method());
	server.wire = tls_io_method();
	EXPECT(SSL_CTX_use_certificate(server.context, certificate) == 1);
	EXPECT(SSL_CTX_use_PrivateKey(server.context, key) == 1);
	SSL_CTX_set_read_ahead(server.context, 1);
	SSL_CTX_set_mode(server.context, SSL_MODE_RELEASE_BUFFERS);
	client_context = SSL_CTX_new(TLS_client_method());
	for (size_t i = 0; i < sizeof lines; i++)
		lines[i] = (char)('a' + i % 26);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void
put(struct tamperer *tamperer, const char *bytes, size_t len)
{
	if (send(tamperer->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		tamperer->over = true;
}

/* A piece goes over the wire, as the input has it. */
static void
pass_on(struct tamperer *tamperer, char *bytes, size_t len)
{
	enum tampering what = PASS;
	size_t where = 0;
	if (tamperer->size >= 2) {
		what = tamperer->data[0] % TAMPERINGS;
		where = tamperer->data[1] * len / 256;
		tamperer->data += 2;
		tamperer->size -= 2;
	}
	tamperer->tampered |= what != PASS;
	if (what == FLIP)
		bytes[where] = (char)(bytes[where] ^ (1 << (where % 8)));
	if (what == INSERT)
		put(tamperer, (const char *)tamperer->data, tamperer->size);
	put(tamperer, bytes, what == CUT || what == END ? where : len);
	if (what == TWICE)
		put(tamperer, bytes, len);
	tamperer->over |= what == END;
}

/* What the server has sent goes to the client; false when there will be no more. */
static bool
take_in(struct tamperer *tamperer, BIO *in)
{
	char bytes[4096];
	struct pollfd ready = {.fd = tamperer->fd, .events = POLLIN};
	if (poll(&ready, 1, tamperer->wait_ms) <= 0)
		return false;
	ssize_t n = recv(tamperer->fd, bytes, sizeof bytes, 0);
	return n > 0 && BIO_write(in, bytes, (int)n) == n;
}

static void
send_out(struct tamperer *tamperer, BIO *out)
{
	char bytes[8192];
	int n;
	while (!tamperer->over && (n = BIO_read(out, bytes, sizeof bytes)) > 0)
		pass_on(tamperer, bytes, (size_t)n);
}

static void *
client_main(void *argument)
{
	struct tamperer *tamperer = argument;
	SSL *client = SSL_new(client_context);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int result;
	SSL_set_bio(client, in, out);
	SSL_set_connect_state(client);
	if (tamperer->size > 0 && tamperer->data[0] & 0x80)
		SSL_set_max_proto_version(client, TLS1_2_VERSION);
	while ((result = SSL_do_handshake(client)) != 1 && !tamperer->over) {
		send_out(tamperer, out);
		if (SSL_get_error(client, result) != SSL_ERROR_WANT_READ || !take_in(tamperer, in))
			break;
	}
	if (result == 1) {
		SSL_write(client, lines, sizeof lines);
		SSL_shutdown(client);
	}
	send_out(tamperer, out);
	shutdown(tamperer->fd, SHUT_WR);
	SSL_free(client);
	return NULL;
}

/* Reads to the end, whatever that is.  How many bytes. */
static size_t
serve(struct stream *stream, int wait_ms)
{
	static char room[70000];
	size_t total = 0;
	ssize_t n;
	stream_set_read_timeout(stream, wait_ms);
	stream_set_write_timeout(stream, wait_ms);
	while ((n = stream_read(stream, room, sizeof room)) > 0) {
		EXPECT(total + (size_t)n <= sizeof lines);
		EXPECT(memcmp(room, lines + total, (size_t)n) == 0);
		total += (size_t)n;
	}
	return total;
}

/* Where nothing is changed all has to come, however slow the machine is. */
static int
patience(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2) {
		if (data[i] % TAMPERINGS != PASS)
			return WAIT_MS;
	}
	return UNTOUCHED_WAIT_MS;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2];
	pthread_t thread;
	struct stream stream;
	if (server.context == NULL)
		set_up();
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	struct tamperer tamperer = {
		.fd = fds[1], .data = data, .size = size, .wait_ms = patience(data, size)};
	EXPECT(pthread_create(&thread, NULL, client_main, &tamperer) == 0);
	stream_init(&stream, fds[0]);
	enum tls_io_result result = tls_io_accept(
		&stream, &server, true, clock_mono_ms() + tamperer.wait_ms);
	size_t total = result == TLS_IO_DONE ? serve(&stream, tamperer.wait_ms) : 0;
	bool complete = stream_is_complete(&stream);
	if (result == TLS_IO_DONE)
		tls_io_finish(&stream);
	stream_close(&stream);
	pthread_join(thread, NULL);
	if (!tamperer.tampered)
		EXPECT(result == TLS_IO_DONE && total == sizeof lines && complete);
	EXPECT(!complete || total == sizeof lines);
	close(fds[1]);
	return 0;
}
