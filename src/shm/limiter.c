/* SPDX-License-Identifier: ISC */
/*
 * The rate-limit table.  Each shard is a hash table with chains, a list of free entries and a list
 * of the others in the order in which their windows began, all by index and all in O(1).
 *
 * A process may be killed between any two stores.  Only client, window and `changing` are trusted
 * after that: `changing` names the entry in work before its first store, and every list is built
 * anew from the entries.  Links found in an inherited shard are never followed.
 */
#include "shm/limiter.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/window.h"
#include "shm/region.h"
#include "shm/robust.h"

#define NONE UINT32_MAX

enum { ENTRIES_PER_SHARD = 4096, SHARDS_MAX = 64, SORT_RUNS = 32 };

struct entry {
	struct address client;
	struct window window; /* used == 0: the entry is free */
	uint32_t hash;        /* low half of the client's */
	uint32_t chain;       /* next one of the bucket, or next free one */
	uint32_t older, newer;
};

struct shard {
	alignas(REGION_LINE_BYTES) pthread_mutex_t mutex;
	_Atomic uint32_t changing;
	uint32_t free, oldest, newest;
	int64_t latest_ms;
	struct limiter_stats stats;

	/* set once */
	uint32_t capacity, bucket_mask;
	size_t buckets_at, entries_at; /* bytes from the limiter */
};

struct limiter {
	struct siphash_key key;
	size_t shard_count;
	struct shard shards[];
};

/* A shard with its parts found; lives on the stack of the one who holds the lock. */
struct table {
	struct shard *shard;
	uint32_t *buckets;
	struct entry *entries;
};

static size_t
shard_count(size_t entries)
{
	size_t count = entries / ENTRIES_PER_SHARD;
	return count < 1 ? 1 : count > SHARDS_MAX ? SHARDS_MAX : count;
}

static size_t
shard_entries(size_t entries, size_t shard)
{
	size_t count = shard_count(entries);
	return entries / count + (shard < entries % count);
}

static size_t
bucket_count(size_t entries)
{
	size_t count = 1;
	while (count < entries)
		count *= 2;
	return count;
}

size_t
limiter_size(size_t entries)
{
	size_t count = shard_count(entries);
	size_t size = sizeof(struct limiter) + count * sizeof(struct shard);
	for (size_t i = 0; i < count; i++) {
		size_t capacity = shard_entries(entries, i);
		size += region_align(bucket_count(capacity) * sizeof(uint32_t)) +
		        region_align(capacity * sizeof(struct entry));
	}
	return size;
}

static struct table
table_of(struct limiter *limiter, struct shard *shard)
{
	char *base = (char *)limiter;
	return (struct table){
		.shard = shard,
		.buckets = (uint32_t *)(void *)(base + shard->buckets_at),
		.entries = (struct entry *)(void *)(base + shard->entries_at),
	};
}

/* The death of a process is no data race: it is enough that the compiler keeps the order of the
 * stores. */
static void
begin_change(struct shard *shard, uint32_t index)
{
	atomic_store_explicit(&shard->changing, index, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static void
end_change(struct shard *shard)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&shard->changing, NONE, memory_order_relaxed);
}

static void
put_free(struct table *t, uint32_t index)
{
	t->entries[index].chain = t->shard->free;
	t->shard->free = index;
}

static void
chain_in(struct table *t, uint32_t index)
{
	uint32_t *bucket = &t->buckets[t->entries[index].hash & t->shard->bucket_mask];
	t->entries[index].chain = *bucket;
	*bucket = index;
}

static void
chain_out(struct table *t, uint32_t index)
{
	uint32_t *link = &t->buckets[t->entries[index].hash & t->shard->bucket_mask];
	while (*link != index)
		link = &t->entries[*link].chain;
	*link = t->entries[index].chain;
}

static void
order_append(struct table *t, uint32_t index)
{
	struct shard *shard = t->shard;
	t->entries[index].older = shard->newest;
	t->entries[index].newer = NONE;
	*(shard->newest == NONE ? &shard->oldest : &t->entries[shard->newest].newer) = index;
	shard->newest = index;
}

static void
order_remove(struct table *t, uint32_t index)
{
	struct shard *shard = t->shard;
	uint32_t older = t->entries[index].older, newer = t->entries[index].newer;
	*(older == NONE ? &shard->oldest : &t->entries[older].newer) = newer;
	*(newer == NONE ? &shard->newest : &t->entries[newer].older) = older;
}

/* Merges two lists, linked by `newer` alone, into one by start. */
static uint32_t
merge(struct entry *entries, uint32_t a, uint32_t b)
{
	uint32_t head = NONE, *end = &head;
	while (a != NONE && b != NONE) {
		uint32_t *first = entries[b].window.start_ms < entries[a].window.start_ms ? &b : &a;
		*end = *first;
		end = &entries[*first].newer;
		*first = *end;
	}
	*end = a != NONE ? a : b;
	return head;
}

/* Sorts the entries in use by start, without memory: run n is empty or holds 2^n entries. */
static uint32_t
sorted(struct table *t)
{
	uint32_t runs[SORT_RUNS], list = NONE;
	for (size_t n = 0; n < SORT_RUNS; n++)
		runs[n] = NONE;
	for (uint32_t i = 0; i < t->shard->capacity; i++) {
		if (t->entries[i].window.used == 0)
			continue;
		t->entries[i].newer = NONE;
		uint32_t run = i;
		size_t n = 0;
		for (; runs[n] != NONE; n++) {
			run = merge(t->entries, runs[n], run);
			runs[n] = NONE;
		}
		runs[n] = run;
	}
	for (size_t n = 0; n < SORT_RUNS; n++)
		list = merge(t->entries, runs[n], list);
	return list;
}

/* Makes a sound shard of entries whose links mean nothing.  May itself be cut short and begun
 * again. */
static void
rebuild(struct table *t)
{
	struct shard *shard = t->shard;
	for (uint32_t bucket = 0; bucket <= shard->bucket_mask; bucket++)
		t->buckets[bucket] = NONE;
	shard->free = shard->oldest = shard->newest = NONE;
	shard->stats.entries = 0;
	for (uint32_t i = shard->capacity; i-- > 0;) {
		if (t->entries[i].window.used == 0) {
			put_free(t, i);
		} else {
			chain_in(t, i);
			shard->stats.entries++;
		}
	}
	for (uint32_t i = sorted(t), newer; i != NONE; i = newer) {
		newer = t->entries[i].newer;
		order_append(t, i);
	}
}

static void
repair(struct table *t)
{
	struct shard *shard = t->shard;
	uint32_t changing = atomic_load_explicit(&shard->changing, memory_order_relaxed);
	if (changing != NONE)
		t->entries[changing].window = (struct window){0};
	rebuild(t);
	shard->stats.repairs++;
	end_change(shard);
}

static void
lock_shard(struct table *t)
{
	if (robust_lock(&t->shard->mutex) == ROBUST_INHERITED) {
		repair(t);
		robust_repaired(&t->shard->mutex);
	}
}

int
limiter_init(void *memory, size_t entries, const struct siphash_key *key)
{
	if (entries == 0 || entries >= NONE)
		return EINVAL;
	struct limiter *limiter = memory;
	limiter->key = *key;
	limiter->shard_count = shard_count(entries);
	size_t at = sizeof *limiter + limiter->shard_count * sizeof(struct shard);
	for (size_t i = 0; i < limiter->shard_count; i++) {
		struct shard *shard = &limiter->shards[i];
		size_t capacity = shard_entries(entries, i), buckets = bucket_count(capacity);
		shard->capacity = (uint32_t)capacity;
		shard->bucket_mask = (uint32_t)(buckets - 1);
		shard->buckets_at = at;
		shard->entries_at = at + region_align(buckets * sizeof(uint32_t));
		at = shard->entries_at + region_align(capacity * sizeof(struct entry));
		int error = robust_init(&shard->mutex);
		if (error != 0)
			return error;
		struct table table = table_of(limiter, shard);
		rebuild(&table);
		end_change(shard);
	}
	return 0;
}

static uint32_t
find(const struct table *t, const struct address *client, uint32_t hash)
{
	uint32_t i = t->buckets[hash & t->shard->bucket_mask];
	while (i != NONE && !address_equal(&t->entries[i].client, client))
		i = t->entries[i].chain;
	return i;
}

/* Gets an entry off its lists, free or in use, and gives it to another client. */
static void
assign(struct table *t, uint32_t index, const struct address *client, uint32_t hash, bool ended)
{
	struct shard *shard = t->shard;
	struct entry *entry = &t->entries[index];
	if (index == shard->free) {
		shard->free = entry->chain;
		shard->stats.entries++;
	} else {
		chain_out(t, index);
		order_remove(t, index);
		shard->stats.evictions += !ended;
	}
	entry->client = *client;
	entry->hash = hash;
	entry->window = (struct window){0};
	chain_in(t, index);
	order_append(t, index);
}

static int64_t
take(struct table *t, const struct address *client, uint32_t hash, const struct limiter_rule *rule,
	int64_t now_ms, int64_t lines)
{
	struct shard *shard = t->shard;
	uint32_t index = find(t, client, hash);
	bool known = index != NONE;
	if (!known)
		index = shard->free != NONE ? shard->free : shard->oldest;
	struct window *window = &t->entries[index].window;
	bool ended = window_ended(window, now_ms, rule->window_ms);

	begin_change(shard, index);
	if (!known) {
		assign(t, index, client, hash, ended);
	} else if (ended) {
		order_remove(t, index);
		order_append(t, index);
	}
	int64_t passed = window_take(window, now_ms, rule->window_ms, rule->max, lines);
	end_change(shard);
	return passed;
}

int64_t
limiter_take(struct limiter *limiter, const struct address *client, const struct limiter_rule *rule,
	int64_t now_ms, int64_t lines)
{
	if (lines <= 0 || rule->max <= 0)
		return 0; /* begins no window: an entry in use has used at least one token */
	uint64_t hash = siphash(&limiter->key, client->bytes, sizeof client->bytes);
	size_t number = (size_t)((hash >> 32) * limiter->shard_count >> 32);
	struct table table = table_of(limiter, &limiter->shards[number]);
	lock_shard(&table);
	if (now_ms < table.shard->latest_ms)
		now_ms = table.shard->latest_ms;
	table.shard->latest_ms = now_ms;
	int64_t passed = take(&table, client, (uint32_t)hash, rule, now_ms, lines);
	robust_unlock(&table.shard->mutex);
	return passed;
}

struct limiter_stats
limiter_stats(struct limiter *limiter)
{
	struct limiter_stats sum = {0};
	for (size_t i = 0; i < limiter->shard_count; i++) {
		struct table table = table_of(limiter, &limiter->shards[i]);
		lock_shard(&table);
		struct limiter_stats stats = table.shard->stats;
		robust_unlock(&table.shard->mutex);
		sum.evictions += stats.evictions;
		sum.repairs += stats.repairs;
		sum.entries += stats.entries;
	}
	return sum;
}
