/* SPDX-License-Identifier: ISC */
/*
 * One shard of the rate limiter (shm/limiter.h): a hash table with chains, a list of free entries and a list
 * of the others in the order in which their windows began, all by index and all in O(1).
 *
 * A process may be killed between any two stores.  Only what is atomic in an entry, and `changing`, are trusted
 * after that: `changing` names the entry in work before its first store, and every list is built
 * anew from the entries.  Links found in an inherited shard are never followed.
 *
 * The same words are all that is read without the lock.  `changing` is a sequence lock for that: a change of
 * number n, of entry i, goes on as long as it holds (n, i); then it holds (n, nothing).
 */
#ifndef SHM_TABLE_H
#define SHM_TABLE_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/window.h"
#include "shm/limiter.h"
#include "shm/region.h"

#define TABLE_NONE UINT32_MAX

struct entry {
	_Atomic uint64_t client[2];     /* the bytes of its address */
	_Atomic int64_t start_ms, used; /* its window; used == 0: the entry is free */
	_Atomic uint64_t
		limited; /* lines that did not pass, as long as the entry is this client's */
	_Atomic uint32_t window_number; /* another one, never 0, for each window that begins here */
	_Atomic uint32_t
		forgotten; /* the number of one that is to be forgotten; written without the lock */
	uint32_t hash;     /* low half of the client's */
	uint32_t chain;    /* next one of the bucket, or next free one */
	uint32_t older, newer;
};

/* What is copied of an entry without the lock. */
struct entry_copy {
	struct address client;
	struct window window;
	uint64_t limited;
	uint32_t window_number;
	bool is_forgotten;
	struct limiter_rule
		rule; /* the shard's; after a reload its halves may be of two rules for a moment */
};

struct shard {
	alignas(REGION_LINE_BYTES) pthread_mutex_t mutex;
	_Atomic uint64_t
		changing; /* number of the change << 32 | index of its entry, or TABLE_NONE */
	uint32_t free, oldest, newest;
	int64_t latest_ms;
	_Atomic int64_t max, window_ms;            /* of the rule that was asked for last */
	_Atomic uint64_t evictions, repairs, used; /* changed under the lock, read without */

	/* set once */
	uint32_t capacity, bucket_mask;
	size_t buckets_at, entries_at; /* bytes from the limiter */
};

/* A shard with its parts found; lives on the stack of the one who holds the lock. */
struct table {
	struct shard *shard;
	uint32_t *buckets;
	struct entry *entries;
};

/* How many bytes the buckets of so many entries take, and the entries. */
size_t table_buckets_size(size_t entries);
size_t table_entries_size(size_t entries);

/* Lays a shard out, whose parts begin at these places of zeroed memory.  0 or an error number. */
int table_init(struct table *table, size_t entries);

/* Whether its measures are those of a shard of so many entries. */
bool table_is_sound(const struct shard *shard, size_t entries);

/* Locks the shard and, where its last owner died, repairs it. */
void table_lock(struct table *table);
void table_unlock(struct table *table);

/*
 * Copies an entry without the lock; `entry` is the one of this index.  False when it was being changed.  Nothing
 * else in the memory is looked at, and nothing is written.
 */
bool table_try_copy(const struct shard *shard, const struct entry *entry, uint32_t index,
	struct entry_copy *out);

/* All of these under the lock. */

/* The client's entry, or TABLE_NONE. */
uint32_t table_find(const struct table *table, const struct address *client, uint32_t hash);

/* The entry that a new client gets: a free one, or that of the window that began first. */
uint32_t table_next(const struct table *table);

struct window table_window(const struct table *table, uint32_t index);

/* Whether the entry's window was forgotten on demand. */
bool table_is_forgotten(const struct table *table, uint32_t index);

/* What is asked of the shard's clients now. */
void table_set_rule(struct table *table, const struct limiter_rule *rule);

/* An entry is changed between these two, and nowhere else; whoever dies there costs its client the window. */
void table_begin_change(struct table *table, uint32_t index);
void table_end_change(struct table *table);

/* Gives the entry to another client; `ended`: nobody is pushed out by that. */
void table_assign(struct table *table, uint32_t index, const struct address *client, uint32_t hash,
	bool ended);

/* Another window of the same client is about to begin: the entry's becomes the one that began last. */
void table_renew(struct table *table, uint32_t index);

/* Sets its window, and counts lines that did not pass. */
void table_set_window(
	struct table *table, uint32_t index, const struct window *window, uint64_t limited);

#endif
