/* SPDX-License-Identifier: ISC */
/* The header of the PROXY protocol (core/proxy.h), read off a connection before anything else. */
#ifndef NET_PROXIED_H
#define NET_PROXIED_H

#include <stdint.h>

#include "core/proxy.h"
#include "net/stream.h"

enum proxied {
	PROXIED_TOLD,
	PROXIED_GONE, /* the other side has ended before it said anything: no error, balancers look so */
	PROXIED_FAILED, /* it said something else, or not all of it in time */
};

/*
 * Reads the header, and nothing behind it.  `deadline_ms` is of CLOCK_MONOTONIC, and a byte now and then does not move
 * it; stream_stop_reading() ends the wait.  *proxy is set with PROXIED_TOLD only.
 */
enum proxied proxied_read(const struct stream *stream, int64_t deadline_ms, struct proxy *proxy);

#endif
