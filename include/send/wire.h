/* SPDX-License-Identifier: ISC */
/* OpenSSL's way to a socket, but without its SIGPIPE. */
#ifndef SEND_WIRE_H
#define SEND_WIRE_H

#include <openssl/bio.h>

/* To be freed with BIO_meth_free(), after all that was made by it.  NULL when memory is short. */
BIO_METHOD *wire_method_new(void);

/* Over a non-blocking socket, which stays the caller's.  NULL when memory is short. */
BIO *wire_new(const BIO_METHOD *method, int fd);

#endif
