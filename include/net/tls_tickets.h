/* SPDX-License-Identifier: ISC */
/*
 * The keys of session tickets, in memory that all processes of a daemon share: what one worker has given a client any other
 * one knows again, also one of a later generation.  The supervisor makes them, and a new one every hour; that before it is
 * accepted on, so a ticket is good for an hour at least and two at most.  They are never written anywhere.
 */
#ifndef NET_TLS_TICKETS_H
#define NET_TLS_TICKETS_H

#include <stddef.h>
#include <stdint.h>

enum { TLS_TICKETS_ROTATE_MS = 3600 * 1000 };

struct tls_tickets; /* lives in shared memory, pointer-free */

size_t tls_tickets_size(void);

/* Makes the first key in tls_tickets_size() zeroed shared bytes. */
void tls_tickets_init(void *memory, int64_t now_ms);

/* The supervisor's: a new key where one is due.  How many milliseconds until the next one. */
int tls_tickets_run_timers(struct tls_tickets *tickets, int64_t now_ms);

struct ssl_ctx_st;

/* Has all connections of a context use them; they must outlive it.  0, or -1. */
int tls_tickets_use(struct ssl_ctx_st *context, struct tls_tickets *tickets);

#endif
