/* SPDX-License-Identifier: ISC */
/*
 * Accepting and refusing.  A refused client is told why, and its socket lingers for a moment so
 * that the word arrives.  One descriptor is held in reserve: when there is none left,
 * it is given up to accept the client, tell it so, and close it, instead of leaving it
 * waiting and the listener ready for ever.  One thread.
 */
#ifndef SERVE_DOOR_H
#define SERVE_DOOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "net/listener.h"
#include "serve/arrival.h"

enum { DOOR_LINGERING_MAX = 64 };

struct door {
	int reserve;
	int64_t paused_until_ms; /* the kernel had no memory for another client */
	struct {
		int fd;
		int64_t until_ms;
	} lingering[DOOR_LINGERING_MAX];
	size_t lingering_count;
};

/* 0, or -1 with errno. */
int door_open(struct door *door);
void door_close(struct door *door);

enum door_result {
	DOOR_CLIENT,
	DOOR_NONE,    /* nobody waits, or accepting is paused */
	DOOR_REFUSED, /* a client was turned away for want of a descriptor */
};

/* Accepts one client; only with DOOR_CLIENT *arrival is set. */
enum door_result door_accept(struct door *door, const struct listener *listener,
	struct arrival *arrival, int64_t now_ms);

/* Tells the client why, where its listener tells anything, and lets it go. */
void door_refuse(
	struct door *door, const struct arrival *arrival, struct slice reason, int64_t now_ms);

/* Closes what has lingered enough.  Returns the milliseconds until it has to be called again, or
 * -1. */
int door_tick(struct door *door, int64_t now_ms);

#endif
