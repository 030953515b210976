/* SPDX-License-Identifier: ISC */
/*
 * Why two ends do not come together over TLS, in words for the user: what is wrong, and what would
 * be right.  What a certificate says is the other side's text: nothing in it reaches the terminal
 * but printable ASCII, and no more than a few names of it.
 */
#ifndef SEND_REFUSAL_H
#define SEND_REFUSAL_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

enum { REFUSAL_MAX = 400 };

struct refusal {
	bool final;             /* nothing changes by trying again */
	char text[REFUSAL_MAX]; /* "" where nobody has refused */
};

/*
 * The server's certificate is not accepted: `error` of X509_V_ERR_... for the certificate `at`
 * of its chain (NULL: unknown), when its name was to be `name`.
 */
void refusal_of_certificate(struct refusal *refusal, int error, const X509 *at, const char *name);

/* OpenSSL says `error`, of ERR_get_error(): an alert of the server, or our own complaint. */
void refusal_of_error(struct refusal *refusal, unsigned long error);

#endif
