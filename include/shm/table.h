/* SPDX-License-Identifier: ISC */
/*
 * One shard of the rate limiter (shm/limiter.h): a hash table with chains, a list of free entries and a list
 * of the others in the order in which their windows began, all by index and all in O(1).
 *
 * A process may be killed between any two stores.  Only client, window and `changing` are trusted
 * after that: `changing` names the entry in work before its first store, and every list is built
 * anew from the entries.  Links found in an inherited shard are never followed.
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
	struct address client;
	struct window window; /* used == 0: the entry is free */
	uint64_t limited;     /* lines that did not pass, as long as the entry is this client's */
	uint32_t hash;        /* low half of the client's */
	uint32_t chain;       /* next one of the bucket, or next free one */
	uint32_t older, newer;
};

struct shard {
	alignas(REGION_LINE_BYTES) pthread_mutex_t mutex;
	_Atomic uint32_t changing;
	uint32_t free, oldest, newest;
	int64_t latest_ms;
	struct limiter_rule rule;                  /* the last one that was asked for */
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

/* All of these under the lock. */

/* The client's entry, or TABLE_NONE. */
uint32_t table_find(const struct table *table, const struct address *client, uint32_t hash);

/* The entry that a new client gets: a free one, or that of the window that began first. */
uint32_t table_next(const struct table *table);

/* An entry is changed between these two; whoever dies there costs its client the window. */
void table_begin_change(struct table *table, uint32_t index);
void table_end_change(struct table *table);

/* Gives the entry to another client; `ended`: nobody is pushed out by that. */
void table_assign(struct table *table, uint32_t index, const struct address *client, uint32_t hash,
	bool ended);

/* Makes it the one whose window began last. */
void table_renew(struct table *table, uint32_t index);

/* Makes it a free one. */
void table_release(struct table *table, uint32_t index);

#endif
