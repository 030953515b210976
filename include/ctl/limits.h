/* SPDX-License-Identifier: ISC */
/* `logcollectctl limits`: whom the rate limiter holds back.  Each returns an exit status. */
#ifndef CTL_LIMITS_H
#define CTL_LIMITS_H

#include <stdbool.h>
#include <stdio.h>

#include "shm/limiter.h"

/* Prints the clients that are limited now, or all that the table knows. */
int limits_print(FILE *out, struct limiter *limiter, bool all);
int limits_print_json(FILE *out, struct limiter *limiter, bool all);

/* Lets the client of this address begin a new window; an IPv6 address is found by its prefix too. */
int limits_reset(struct limiter *limiter, const char *address);

#endif
