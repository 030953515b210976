/* SPDX-License-Identifier: ISC */
/*
 * Whom a client trusts and who it is: what its TLS connections have in common.  Only TLS 1.2 and
 * newer; no renegotiation, no compression.  The server's chain and name are verified unless the
 * caller says otherwise in so many words.
 */
#ifndef SEND_TRUST_H
#define SEND_TRUST_H

#include <openssl/bio.h>
#include <stdbool.h>

#include "base/buf.h"

struct trust_options {
	const char *name;      /* the name or address that the server's certificate has to have */
	const char *ca_file;   /* PEM, whom to trust; NULL: the system's store */
	const char *cert_file; /* PEM, our certificate and its chain; NULL: none */
	const char *key_file;  /* PEM, its key; NULL: it is in cert_file */
	bool insecure;         /* verify nothing */
};

struct trust {
	const struct trust_options *options;
	SSL_CTX *context;
	BIO_METHOD *method;
};

/*
 * Reads the files; the options are borrowed as long as it lives.  0, or -1 and a text in `error`
 * that names the file and says what is wrong with it.  To be given to trust_fini() only after 0.
 */
int trust_init(struct trust *trust, const struct trust_options *options, struct buf *error);
void trust_fini(struct trust *trust);

#endif
