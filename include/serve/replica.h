/* SPDX-License-Identifier: ISC */
/* AckWhen replicated: a worker's threads wait for the forwarder's word.  Any thread. */
#ifndef SERVE_REPLICA_H
#define SERVE_REPLICA_H

#include <stdint.h>

#include "core/shipping.h"

/*
 * Waits until everything before `end` is confirmed: 0; or will never be: EIO; or for timeout_ms: ETIMEDOUT.  Whoever is to
 * confirm may die meanwhile, and another take its place.
 */
int replica_await(struct shipping *shipping, struct position end, int64_t timeout_ms);

#endif
