/* SPDX-License-Identifier: ISC */
/*
 * The rate limiter: a bounded table in shared memory from client address to window, cut into
 * shards with a robust mutex each.  The hash is keyed; each shard keeps its entries in the order in which
 * their windows began, which is the order in which they end.  Where a shard is full, the
 * entry that ends soonest (or has ended) makes room.  After a death under the lock the next
 * one to take it rebuilds the shard from its entries; the one that was being changed is
 * dropped, so that it starts a new window.
 *
 * All functions are safe from every thread of every process that shares the memory.  Those who only look, or
 * forget a client, take no lock and believe nothing of what the memory says about itself: `entries` is what it was laid
 * out for, by the caller's own knowledge, and no byte in it can make them wait, loop or reach beyond it.
 */
#ifndef SHM_LIMITER_H
#define SHM_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "core/address.h"

struct limiter; /* lives in shared memory, pointer-free */

struct limiter_rule {
	int64_t max;       /* RateLimitMaxRequests */
	int64_t window_ms; /* RateLimitWindowSeconds */
};

struct limiter_stats {
	uint64_t evictions; /* windows cut short because a shard was full */
	uint64_t repairs;   /* locks inherited from the dead */
	uint64_t entries;   /* in use now */
};

/* What the table knows of one client. */
struct limiter_client {
	struct address address;
	int64_t used;     /* lines that passed in its window; 0: the window has ended */
	int64_t left_ms;  /* until the window ends */
	bool is_limited;  /* the window is used up: the next line would not pass */
	uint64_t limited; /* lines that did not pass, in this and earlier windows */
	uint32_t shard, entry, window_number; /* for limiter_forget() */
};

/* How much memory a table of so many entries takes. */
size_t limiter_size(size_t entries);

/*
 * Lays the table out in limiter_size(entries) zeroed shared bytes that begin on a cache line.
 * 0 or an error number: EINVAL for a table of no entries or of 2^32 - 1 and more.
 */
int limiter_init(void *memory, size_t entries, const struct siphash_key *key);

/* For a reader of another process's memory: whether it looks as if limiter_init() had laid it out so. */
bool limiter_is_sound(const struct limiter *limiter, size_t entries);

/*
 * Takes tokens for a batch under one lock: returns how many of `lines` pass, always the first
 * ones, exactly as asking line by line at now_ms would.  Time never runs back within a shard: a
 * thread that was held up between reading the clock and taking the lock comes at the latest
 * time that the shard has seen.
 */
int64_t limiter_take(struct limiter *limiter, const struct address *client,
	const struct limiter_rule *rule, int64_t now_ms, int64_t lines);

/*
 * The same table for another use, in memory of its own: counts an event of a client instead, as `limited`.  Where a
 * shard is full, the client whose last event is longest ago makes room.  A table that is used so is used for
 * nothing else.
 */
void limiter_note(struct limiter *limiter, const struct address *client, int64_t now_ms);

/* How long ago the last event of a client was that limiter_list() shows of such a table. */
int64_t limiter_noted_ms(const struct limiter_client *client);

/* Sums over all shards.  From a read-only mapping too. */
struct limiter_stats limiter_stats(const struct limiter *limiter);

/*
 * Visits every client in the table as of now_ms (CLOCK_MONOTONIC, as for limiter_take()), but for those that were
 * forgotten.  From a read-only mapping too.  Each is shown as it was at one moment; one that moves meanwhile may be
 * visited twice or not at all.  An entry that is being changed is looked at again a few times, and passed over
 * where somebody died in the change or the memory is spoiled; so is one that cannot be.
 */
typedef void limiter_visit(void *context, const struct limiter_client *client);
void limiter_list(const struct limiter *limiter, size_t entries, int64_t now_ms,
	limiter_visit *visit, void *context);

/*
 * Forgets a client as limiter_list() showed it: its next line begins a window, and it is not listed before.  One word
 * of its entry is written, which the next one to take the lock for it heeds.  Nothing happens when
 * its window is another one by now.
 */
void limiter_forget(struct limiter *limiter, size_t entries, const struct limiter_client *client);

#endif
