/* SPDX-License-Identifier: ISC */
/*
 * OpenSSL over a stream.  It never waits in a read: while a client is silent OpenSSL holds no buffers for it.
 */
#include "net/tls_io.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/stream.h"

enum end {
	END_NONE,
	END_CLOSED, /* by the client's close_notify */
	END_CUT,    /* without it */
	END_BROKEN,
};

struct tls_io {
	SSL *ssl;
	bool serving; /* hands are shaken: writes wait */
	bool heard;   /* the client has sent something */
	bool filled;  /* the last read from the socket took all it could: there may be more */
	bool eof;     /* of the socket */
	bool mute;    /* what was being written is in pieces: nothing can follow it */
	enum end end;
	int error; /* the last errno of the socket */
};

static int
wire_read(BIO *bio, char *room, int size)
{
	struct stream *stream = BIO_get_data(bio);
	struct tls_io *io = stream->tls;
	BIO_clear_retry_flags(bio);
	ssize_t n = stream_receive(stream, room, (size_t)size, MSG_DONTWAIT);
	io->filled = n == size;
	io->heard |= n > 0;
	io->eof = n == 0;
	io->error = n < 0 ? errno : 0;
	if (n < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return (int)n;
}

/* While hands are shaken the deadline is kept outside. */
static int
write_now(BIO *bio, struct stream *stream, const char *bytes, int size)
{
	ssize_t n = send(stream->fd, bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static int
wire_write(BIO *bio, const char *bytes, int size)
{
	struct stream *stream = BIO_get_data(bio);
	struct tls_io *io = stream->tls;
	BIO_clear_retry_flags(bio);
	if (!io->serving)
		return write_now(bio, stream, bytes, size);
	if (stream_send(stream, (struct slice){bytes, (size_t)size}) == 0)
		return size;
	io->error = errno;
	io->mute = true;
	return -1;
}

/* It says of no end that it was one: OpenSSL would take it for an error, and let nothing be answered any more. */
static long
wire_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

struct bio_method_st *
tls_io_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
	if (method != NULL && BIO_meth_set_read(method, wire_read) == 1 &&
		BIO_meth_set_write(method, wire_write) == 1 &&
		BIO_meth_set_ctrl(method, wire_control) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

void
tls_io_method_free(struct bio_method_st *method)
{
	BIO_meth_free(method);
}

static int
begin(struct stream *stream, const struct tls *tls, bool silent)
{
	struct tls_io *io = calloc(1, sizeof *io);
	BIO *bio = BIO_new(tls->wire);
	if (io != NULL)
		io->ssl = SSL_new(tls->context);
	if (io == NULL || bio == NULL || io->ssl == NULL) {
		BIO_free(bio);
		tls_io_free(io);
		return -1;
	}
	BIO_set_data(bio, stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(io->ssl, bio, bio);
	SSL_set_accept_state(io->ssl);
	if (silent)
		SSL_set_num_tickets(io->ssl, 0);
	stream->tls = io;
	return 0;
}

/* Waits until the socket is ready, its end included.  0, or -1 at the deadline; 0 is never. */
static int
wait_for(const struct stream *stream, short events, int64_t deadline_ms)
{
	struct pollfd ready = {.fd = stream->fd, .events = events};
	for (;;) {
		int64_t left_ms = deadline_ms == 0 ? -1 : deadline_ms - clock_mono_ms();
		if (deadline_ms != 0 && left_ms <= 0)
			return -1;
		int most = left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
		if (poll(&ready, 1, most) > 0)
			return 0;
	}
}

/* A ticket brings a certificate back that may have expired since it was checked. */
static bool
is_still_good(const struct tls_io *io)
{
	const X509 *certificate = SSL_get0_peer_certificate(io->ssl);
	return certificate == NULL || X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

static enum tls_io_result
shake_hands(struct stream *stream, int64_t deadline_ms)
{
	struct tls_io *io = stream->tls;
	for (;;) {
		ERR_clear_error();
		int result = SSL_do_handshake(io->ssl);
		if (result == 1)
			return is_still_good(io) ? TLS_IO_DONE : TLS_IO_REFUSED;
		int wanted = SSL_get_error(io->ssl, result);
		if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE)
			return wanted == SSL_ERROR_SSL ? TLS_IO_REFUSED : TLS_IO_GONE;
		if (wait_for(stream, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
			    deadline_ms) < 0)
			return TLS_IO_LATE;
	}
}

enum tls_io_result
tls_io_accept(struct stream *stream, const struct tls *tls, bool silent, int64_t deadline_ms)
{
	if (begin(stream, tls, silent) < 0)
		return TLS_IO_REFUSED;
	enum tls_io_result result = shake_hands(stream, deadline_ms);
	stream->tls->serving = result == TLS_IO_DONE;
	ERR_clear_error();
	return result;
}

bool
tls_io_has_heard(const struct tls_io *io)
{
	return io != NULL && io->heard;
}

int
tls_io_subject(const struct tls_io *io, struct buf *out)
{
	const X509 *certificate = SSL_get0_peer_certificate(io->ssl);
	if (certificate == NULL)
		return 0;
	BIO *text = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	int result = -1;
	if (text != NULL && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
				    XN_FLAG_RFC2253) >= 0) {
		long len = BIO_get_mem_data(text, &bytes);
		bool cut = len > TLS_IO_SUBJECT_MAX;
		result = buf_printf(out, "%.*s%s", cut ? TLS_IO_SUBJECT_MAX - 3 : (int)len,
			len > 0 ? bytes : "", cut ? "..." : "");
	}
	BIO_free(text);
	return result;
}

/* Why there are no more records now. */
static void
note_end(struct tls_io *io)
{
	int error = SSL_get_error(io->ssl, 0);
	if (error == SSL_ERROR_WANT_READ)
		return;
	if (error == SSL_ERROR_ZERO_RETURN)
		io->end = END_CLOSED;
	else if (error == SSL_ERROR_SYSCALL && io->eof)
		io->end = END_CUT;
	else
		io->end = END_BROKEN;
	if (io->error == 0)
		io->error = EPROTO;
}

/* Whether the next record may be there already. */
static bool
may_have_more(const struct tls_io *io)
{
	return io->filled || SSL_has_pending(io->ssl) == 1;
}

/* Takes the records that are there: as many bytes as it returns. */
static size_t
take_records(struct tls_io *io, char *room, size_t size)
{
	size_t taken = 0;
	while (taken < size && io->end == END_NONE) {
		size_t n = 0;
		ERR_clear_error();
		if (SSL_read_ex(io->ssl, room + taken, size - taken, &n) != 1) {
			note_end(io);
			break;
		}
		taken += n;
		if (!may_have_more(io))
			break;
	}
	return taken;
}

ssize_t
tls_io_read(struct stream *stream, char *room, size_t size)
{
	struct tls_io *io = stream->tls;
	int64_t timeout_ms = stream->read_timeout_ms;
	/* One for all the pieces in which a record may come. */
	int64_t deadline_ms = timeout_ms == 0 ? 0 : clock_mono_ms() + timeout_ms;
	bool wait = !may_have_more(io) && !stream->draining;
	while (io->end == END_NONE) {
		if (wait && wait_for(stream, POLLIN, deadline_ms) < 0) {
			errno = EAGAIN;
			return -1;
		}
		size_t n = take_records(io, room, size);
		if (n > 0)
			return (ssize_t)n;
		wait = true;
	}
	if (io->end != END_BROKEN)
		return 0;
	errno = io->error == EAGAIN ? EPROTO : io->error;
	return -1;
}

int
tls_io_write(struct stream *stream, struct slice bytes)
{
	struct tls_io *io = stream->tls;
	size_t n;
	if (bytes.len == 0)
		return 0;
	ERR_clear_error();
	io->error = 0;
	if (!io->mute && SSL_write_ex(io->ssl, bytes.data, bytes.len, &n) == 1)
		return 0;
	errno = io->error != 0 ? io->error : EPROTO;
	return -1;
}

bool
tls_io_peer_finished(const struct tls_io *io)
{
	return io->end == END_CLOSED;
}

void
tls_io_finish(struct stream *stream)
{
	struct tls_io *io = stream->tls;
	if (!io->serving || io->mute || io->end == END_BROKEN)
		return;
	ERR_clear_error();
	SSL_shutdown(io->ssl);
	ERR_clear_error();
}

void
tls_io_free(struct tls_io *io)
{
	if (io == NULL)
		return;
	SSL_free(io->ssl);
	free(io);
}
