/* SPDX-License-Identifier: ISC */
/* A BIO over recv and send. */
#include "send/wire.h"

#include <errno.h>
#include <openssl/bio.h>
#include <stdint.h>
#include <sys/socket.h>

static int
wire_fd(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int
wire_result(BIO *bio, ssize_t n, int direction)
{
	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
	return (int)n;
}

static int
wire_read(BIO *bio, char *bytes, int len)
{
	ssize_t n = recv(wire_fd(bio), bytes, (size_t)len, 0);
	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return wire_result(bio, n, BIO_FLAGS_READ);
}

static int
wire_write(BIO *bio, const char *bytes, int len)
{
	ssize_t n = send(wire_fd(bio), bytes, (size_t)len, MSG_NOSIGNAL);
	return wire_result(bio, n, BIO_FLAGS_WRITE);
}

static long
wire_control(BIO *bio, int command, long number, void *pointer)
{
	(void)number, (void)pointer;
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return command == BIO_CTRL_FLUSH; /* nothing is held back here */
}

BIO_METHOD *
wire_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	if (method == NULL)
		return NULL;
	BIO_meth_set_read(method, wire_read);
	BIO_meth_set_write(method, wire_write);
	BIO_meth_set_ctrl(method, wire_control);
	return method;
}

BIO *
wire_new(const BIO_METHOD *method, int fd)
{
	BIO *bio = BIO_new(method);
	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, (void *)(intptr_t)fd); /* NOLINT(performance-no-int-to-ptr) */
	BIO_set_init(bio, 1);
	return bio;
}
