/* SPDX-License-Identifier: ISC */
/* What a shipper has to tell of itself: how far behind it is, whether the spool is full; and what is dropped then. */
#ifndef FORWARD_ACCOUNT_H
#define FORWARD_ACCOUNT_H

#include <stddef.h>

struct shipper;

/* After the spool was listed: how much is not confirmed; is that too much? */
void account_run(struct shipper *shipper);

/* The engine has all before where the shipper is: tells those who wait for it. */
void account_position(struct shipper *shipper);

/* The segment is left as it is: what of it was not confirmed will never be. */
void account_left(struct shipper *shipper);

/* All is confirmed. */
void account_idle(struct shipper *shipper);

void account_confirmed(struct shipper *shipper, size_t bytes);
void account_retries(struct shipper *shipper);

#endif
