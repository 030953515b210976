/* SPDX-License-Identifier: ISC */
/*
 * Certificates and keys in files, in PEM.  Each file is read once: what is judged, used and compared with what a later reload
 * finds is the same.  Mistakes are told as net/tls.h has them.  One thread.
 */
#ifndef NET_TLS_FILE_H
#define NET_TLS_FILE_H

#include <stddef.h>

#include "base/buf.h"

struct stack_st_X509;
struct evp_pkey_st;

enum { TLS_FILE_BYTES_MAX = 1024 * 1024 };

struct tls_file {
	const char *directive, *path; /* the caller's */
	char *data;
	size_t len;
};

/* Reads it whole.  0, or -1, told in `errors`. */
int tls_file_read(
	struct tls_file *file, const char *directive, const char *path, struct buf *errors);

/* Overwrites and frees what was read. */
void tls_file_fini(struct tls_file *file);

/* All certificates in the order of the file, one at least; NULL, told in `errors`. */
struct stack_st_X509 *tls_file_certificates(const struct tls_file *file, struct buf *errors);

/* The first private key; NULL, told in `errors`. */
struct evp_pkey_st *tls_file_key(const struct tls_file *file, struct buf *errors);

/* What OpenSSL holds against the last call in this thread. */
const char *tls_file_reason(void);

#endif
