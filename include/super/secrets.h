/* SPDX-License-Identifier: ISC */
/* Certificates and keys as the settings want them.  Read by the supervisor, who may. */
#ifndef SUPER_SECRETS_H
#define SUPER_SECRETS_H

#include <stdio.h>

#include "net/tls.h"
#include "settings/load.h"
#include "super/supervisor.h"

/*
 * Makes what the Listen lines need in *out: NULL where none of them says tls, and then no file is looked at.  0, or -1 with
 * every mistake told in `errors`, a line each; what is doubtful is told in `warnings`.  `tickets` is NULL for a test.
 */
int secrets_load(const struct settings *settings, struct tls_tickets *tickets, struct tls **out,
	struct buf *errors, struct buf *warnings);

/* The same; the mistakes are told in the daemon's own log. */
int secrets_open(const struct settings *settings, struct tls_tickets *tickets, struct tls **out);

/*
 * Whether all files that the settings name are good, those of the forwarder too.  0, or -1; what is wrong or doubtful is printed, a line
 * each, behind the place where its directive was said.
 */
int secrets_test(const struct settings_loaded *loaded, FILE *out);

/* In a child that has no use for them, or at the end: *tls becomes NULL. */
void secrets_forget(struct tls **tls);

/* Renews the keys of session tickets, where there is TLS.  When it has to be called again, in milliseconds, or -1. */
int secrets_run_timers(const struct supervisor_plan *plan);

#endif
