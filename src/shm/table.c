/* SPDX-License-Identifier: ISC */
/* The lists of one shard, and how they are made anew after a death. */
#include "shm/table.h"

#include "shm/robust.h"

enum { SORT_RUNS = 32 };

static size_t
bucket_count(size_t entries)
{
	size_t count = 1;
	while (count < entries)
		count *= 2;
	return count;
}

size_t
table_buckets_size(size_t entries)
{
	return region_align(bucket_count(entries) * sizeof(uint32_t));
}

size_t
table_entries_size(size_t entries)
{
	return region_align(entries * sizeof(struct entry));
}

/* The death of a process is no data race: it is enough that the compiler keeps the order of the
 * stores. */
void
table_begin_change(struct table *t, uint32_t index)
{
	atomic_store_explicit(&t->shard->changing, index, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

void
table_end_change(struct table *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&t->shard->changing, TABLE_NONE, memory_order_relaxed);
}

static void
count(_Atomic uint64_t *counter, int change)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, value + (uint64_t)change, memory_order_relaxed);
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
	t->entries[index].newer = TABLE_NONE;
	*(shard->newest == TABLE_NONE ? &shard->oldest : &t->entries[shard->newest].newer) = index;
	shard->newest = index;
}

static void
order_remove(struct table *t, uint32_t index)
{
	struct shard *shard = t->shard;
	uint32_t older = t->entries[index].older, newer = t->entries[index].newer;
	*(older == TABLE_NONE ? &shard->oldest : &t->entries[older].newer) = newer;
	*(newer == TABLE_NONE ? &shard->newest : &t->entries[newer].older) = older;
}

/* Merges two lists, linked by `newer` alone, into one by start. */
static uint32_t
merge(struct entry *entries, uint32_t a, uint32_t b)
{
	uint32_t head = TABLE_NONE, *end = &head;
	while (a != TABLE_NONE && b != TABLE_NONE) {
		uint32_t *first = entries[b].window.start_ms < entries[a].window.start_ms ? &b : &a;
		*end = *first;
		end = &entries[*first].newer;
		*first = *end;
	}
	*end = a != TABLE_NONE ? a : b;
	return head;
}

/* Sorts the entries in use by start, without memory: run n is empty or holds 2^n entries. */
static uint32_t
sorted(struct table *t)
{
	uint32_t runs[SORT_RUNS], list = TABLE_NONE;
	for (size_t n = 0; n < SORT_RUNS; n++)
		runs[n] = TABLE_NONE;
	for (uint32_t i = 0; i < t->shard->capacity; i++) {
		if (t->entries[i].window.used == 0)
			continue;
		t->entries[i].newer = TABLE_NONE;
		uint32_t run = i;
		size_t n = 0;
		for (; runs[n] != TABLE_NONE; n++) {
			run = merge(t->entries, runs[n], run);
			runs[n] = TABLE_NONE;
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
	uint64_t used = 0;
	for (uint32_t bucket = 0; bucket <= shard->bucket_mask; bucket++)
		t->buckets[bucket] = TABLE_NONE;
	shard->free = shard->oldest = shard->newest = TABLE_NONE;
	for (uint32_t i = shard->capacity; i-- > 0;) {
		if (t->entries[i].window.used == 0) {
			put_free(t, i);
		} else {
			chain_in(t, i);
			used++;
		}
	}
	atomic_store_explicit(&shard->used, used, memory_order_relaxed);
	for (uint32_t i = sorted(t), newer; i != TABLE_NONE; i = newer) {
		newer = t->entries[i].newer;
		order_append(t, i);
	}
}

static void
repair(struct table *t)
{
	uint32_t changing = atomic_load_explicit(&t->shard->changing, memory_order_relaxed);
	if (changing != TABLE_NONE)
		t->entries[changing].window = (struct window){0};
	rebuild(t);
	count(&t->shard->repairs, 1);
	table_end_change(t);
}

void
table_lock(struct table *t)
{
	if (robust_lock(&t->shard->mutex) == ROBUST_INHERITED) {
		repair(t);
		robust_repaired(&t->shard->mutex);
	}
}

void
table_unlock(struct table *t)
{
	robust_unlock(&t->shard->mutex);
}

int
table_init(struct table *t, size_t entries)
{
	struct shard *shard = t->shard;
	shard->capacity = (uint32_t)entries;
	shard->bucket_mask = (uint32_t)(bucket_count(entries) - 1);
	int error = robust_init(&shard->mutex);
	if (error != 0)
		return error;
	rebuild(t);
	table_end_change(t);
	return 0;
}

bool
table_is_sound(const struct shard *shard, size_t entries)
{
	return shard->capacity == entries && shard->bucket_mask == bucket_count(entries) - 1;
}

uint32_t
table_find(const struct table *t, const struct address *client, uint32_t hash)
{
	uint32_t i = t->buckets[hash & t->shard->bucket_mask];
	while (i != TABLE_NONE && !address_equal(&t->entries[i].client, client))
		i = t->entries[i].chain;
	return i;
}

uint32_t
table_next(const struct table *t)
{
	return t->shard->free != TABLE_NONE ? t->shard->free : t->shard->oldest;
}

void
table_assign(
	struct table *t, uint32_t index, const struct address *client, uint32_t hash, bool ended)
{
	struct shard *shard = t->shard;
	struct entry *entry = &t->entries[index];
	if (index == shard->free) {
		shard->free = entry->chain;
		count(&shard->used, 1);
	} else {
		chain_out(t, index);
		order_remove(t, index);
		count(&shard->evictions, !ended);
	}
	entry->client = *client;
	entry->hash = hash;
	entry->window = (struct window){0};
	entry->limited = 0;
	chain_in(t, index);
	order_append(t, index);
}

void
table_renew(struct table *t, uint32_t index)
{
	order_remove(t, index);
	order_append(t, index);
}

void
table_release(struct table *t, uint32_t index)
{
	chain_out(t, index);
	order_remove(t, index);
	t->entries[index].window = (struct window){0};
	put_free(t, index);
	count(&t->shard->used, -1);
}
