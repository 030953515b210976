/* SPDX-License-Identifier: ISC */
/* `logcollectctl limits`: whom the rate limiter holds back.  Each returns an exit status. */
#ifndef CTL_LIMITS_H
#define CTL_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

#include "shm/shared.h"

/* Prints the clients that are limited now, or all that the table knows. */
int limits_print(FILE *out, const struct shared *shared, bool all);
int limits_print_json(FILE *out, const struct shared *shared, bool all);

/* `logcollectctl denied`: prints who was denied access, how often and when last. */
int limits_print_denied(FILE *out, const struct shared *shared);
int limits_print_denied_json(FILE *out, const struct shared *shared);

/*
 * Lets the client of this address begin a new window; an IPv6 address is found by its prefix too.  The mapping has to
 * be writable.
 */
int limits_reset(const struct shared *shared, const char *address);

#endif
