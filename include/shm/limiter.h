/* SPDX-License-Identifier: ISC */
/*
 * The rate limiter: a bounded table in shared memory from client address to window, cut into
 * shards with a robust mutex each.  The hash is keyed; each shard keeps its entries in the order in which
 * their windows began, which is the order in which they end.  Where a shard is full, the
 * entry that ends soonest (or has ended) makes room.  After a death under the lock the next
 * one to take it rebuilds the shard from its entries; the one that was being changed is
 * dropped, so that it starts a new window.
 *
 * All functions are safe from every thread of every process that shares the memory.
 */
#ifndef SHM_LIMITER_H
#define SHM_LIMITER_H

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

/* How much memory a table of so many entries takes. */
size_t limiter_size(size_t entries);

/*
 * Lays the table out in limiter_size(entries) zeroed shared bytes that begin on a cache line.
 * 0 or an error number: EINVAL for a table of no entries or of 2^32 - 1 and more.
 */
int limiter_init(void *memory, size_t entries, const struct siphash_key *key);

/*
 * Takes tokens for a batch under one lock: returns how many of `lines` pass, always the first
 * ones, exactly as asking line by line at now_ms would.  Time never runs back within a shard: a
 * thread that was held up between reading the clock and taking the lock comes at the latest
 * time that the shard has seen.
 */
int64_t limiter_take(struct limiter *limiter, const struct address *client,
	const struct limiter_rule *rule, int64_t now_ms, int64_t lines);

/* Sums over all shards, each read under its lock. */
struct limiter_stats limiter_stats(struct limiter *limiter);

#endif
