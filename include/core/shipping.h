/* SPDX-License-Identifier: ISC */
/*
 * What the forwarder and the workers tell each other, in memory that they share: how far the engine has confirmed, whether
 * the spool is full, and what an operator is shown.  The forwarder writes, one thread; whoever reads waits for nobody, and a
 * forwarder may be killed between any two stores.  Zeroed: nothing was confirmed.  Pointer-free.  Pure.
 */
#ifndef CORE_SHIPPING_H
#define CORE_SHIPPING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum shipping_state {
	SHIPPING_OFF,     /* Forward is not set, or its process has not begun yet */
	SHIPPING_IDLE,    /* all that is stored is confirmed */
	SHIPPING_SENDING, /* it goes on */
	SHIPPING_AWAY,    /* the engine does not take it: tried again */
	SHIPPING_REFUSED, /* it never will, if nobody does something: tried again, seldom */
	SHIPPING_SPOOL,   /* the spool cannot be read, or another one has it */
	SHIPPING_STATES
};

enum { SHIPPING_LEFT = 128 };

/* A place in a spool: in the segment of that number, which grow, at that byte. */
struct position {
	uint64_t spool;   /* which one: another one counts for itself; 0: none */
	uint64_t segment; /* 0: before all */
	int64_t offset;
};

/* What has become of a record that ends at some position. */
enum shipping_fate {
	SHIPPING_WAITS,
	SHIPPING_CONFIRMED,
	SHIPPING_LOST, /* before it was sent, as far as we know */
};

struct shipping {
	_Atomic uint64_t spool, segment; /* confirmed up to there: see shipping_confirmed() */
	_Atomic int64_t offset;
	struct shipping_left {
		_Atomic uint64_t segment; /* 0: none */
		_Atomic uint64_t spool;
		_Atomic int64_t offset; /* behind it nothing was confirmed */
	} left[SHIPPING_LEFT];          /* the last ones that were */
	_Atomic uint32_t next_left;
	_Atomic uint32_t confirmations; /* a futex: changes with each */
	_Atomic uint32_t waiters;       /* of it; a hint, as one may be killed */
	_Atomic uint32_t ended;         /* no forwarder will confirm anything any more */
	_Atomic uint32_t full;          /* the spool is, and that is to be told to clients */
	_Atomic uint32_t state;         /* enum shipping_state */
	_Atomic int64_t lag_bytes;      /* stored, and not confirmed */
	_Atomic int64_t
		lag_since_us; /* the oldest of that was seen then, wall clock; 0: there is none */
	_Atomic uint64_t batches, bytes; /* confirmed */
	_Atomic uint64_t retries;        /* batches that had to be sent again */
	_Atomic uint64_t dropped_bytes;  /* by onfull=drop-oldest */
	_Atomic uint64_t deaths;         /* of forwarders; written by the supervisor */
};

/* A copy of what is shown. */
struct shipping_figures {
	enum shipping_state state;
	bool full;
	int64_t lag_bytes, lag_since_us;
	uint64_t batches, bytes, retries, dropped_bytes, deaths;
};

/* The engine has all before it.  The forwarder's. */
void shipping_confirm(struct shipping *shipping, struct position position);

/* How far that is: never further than it was. */
struct position shipping_confirmed(const struct shipping *shipping);

/*
 * Nothing that stands behind it in its segment will ever be confirmed: all was, or the file was truncated, the link removed.  The
 * forwarder's, before it confirms what comes after that segment.
 */
void shipping_leave(struct shipping *shipping, struct position position);

/* The supervisor is gone, the forwarder with it: what waits, waits in vain.  Any worker's that sees it. */
void shipping_end(struct shipping *shipping);

/*
 * Of a record that ends there.  In a segment that was passed over, or left so long ago that nobody knows, it is lost: only what the
 * forwarder has seen there is confirmed.
 */
enum shipping_fate shipping_fate(const struct shipping *shipping, struct position end);

/* Whether `where` is not behind `what`: never in another spool. */
bool position_reaches(struct position where, struct position what);

void shipping_figures(const struct shipping *shipping, struct shipping_figures *out);

const char *shipping_state_name(enum shipping_state state);

#endif
