/* SPDX-License-Identifier: ISC */
/*
 * The server's side of TLS as the settings want it: certificate, key, whom to trust, what may be spoken.  It is made by the
 * supervisor, which may read the key, and inherited by the workers; what one connection does with it stands in
 * net/tls_io.h.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>

#include "base/buf.h"
#include "core/tls.h"
#include "net/tls_tickets.h"

enum { TLS_DIGEST_BYTES = 32 };

struct ssl_ctx_st;
struct bio_method_st;

/* Unchanged once it is made; connections of all threads share it. */
struct tls {
	struct ssl_ctx_st *context;
	struct bio_method_st *wire;             /* of net/tls_io */
	unsigned char digest[TLS_DIGEST_BYTES]; /* of what the files hold */
};

/* Texts may be "": there is none.  Nothing of it is kept but the tickets. */
struct tls_plan {
	const char *certificate_file, *key_file, *client_ca_file, *ciphers;
	enum tls_verify verify;
	unsigned protocols;          /* of enum tls_protocol */
	struct tls_tickets *tickets; /* NULL: it is only looked whether all is well */
};

/*
 * Reads the files and makes it.  NULL where anything is wrong: each mistake is a line in `errors`, which begins with its
 * directive.  What clients may find wrong, as an expired certificate, is told in `warnings`.  One thread.
 */
struct tls *tls_load(const struct tls_plan *plan, struct buf *errors, struct buf *warnings);

/* Whether their files held the same; either may be NULL. */
bool tls_is_same(const struct tls *a, const struct tls *b);

/* Frees it, and its key in this process; connections that were made of it go on.  NULL is fine. */
void tls_free(struct tls *tls);

#endif
