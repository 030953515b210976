/* SPDX-License-Identifier: ISC */
/* The lists of one shard, and how they are made anew after a death. */
#include "shm/table.h"

#include <assert.h>
#include <string.h>

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

static_assert(sizeof(struct entry) == REGION_LINE_BYTES, "one change touches one line of entries");

/* What readers without the lock see is stored and loaded so: who has seen a word sees the change that it belongs to. */
#define PUT(word, value) atomic_store_explicit(word, value, memory_order_release)
#define SEE(word)        atomic_load_explicit(word, memory_order_acquire)

/* The one who holds the lock reads what only such a one has written. */
#define GET(word) atomic_load_explicit(word, memory_order_relaxed)

enum { NUMBER_SHIFT = 32 };

/* The death of a process is no data race: it is enough that the compiler keeps the order of the
 * stores. */
void
table_begin_change(struct table *t, uint32_t index)
{
	uint64_t number = (GET(&t->shard->changing) >> NUMBER_SHIFT) + 1;
	PUT(&t->shard->changing, number << NUMBER_SHIFT | index);
	atomic_signal_fence(memory_order_seq_cst);
}

void
table_end_change(struct table *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	PUT(&t->shard->changing, GET(&t->shard->changing) | TABLE_NONE);
}

static struct address
address_of(const uint64_t words[static 2])
{
	struct address address;
	memcpy(address.bytes, words, sizeof address.bytes);
	return address;
}

/*
 * The entry is as it was at one moment if no change of it went on at the first look at `changing`, and none had
 * begun by the second: then whatever was stored between was stored for another entry.
 */
bool
table_try_copy(const struct shard *shard, const struct entry *entry, uint32_t index,
	struct entry_copy *out)
{
	uint64_t changing = SEE(&shard->changing);
	if ((uint32_t)changing == index)
		return false;
	const uint64_t client[2] = {SEE(&entry->client[0]), SEE(&entry->client[1])};
	out->client = address_of(client);
	out->window = (struct window){SEE(&entry->start_ms), SEE(&entry->used)};
	out->limited = SEE(&entry->limited);
	out->window_number = SEE(&entry->window_number);
	out->is_forgotten = SEE(&entry->forgotten) == out->window_number;
	out->rule = (struct limiter_rule){SEE(&shard->max), SEE(&shard->window_ms)};
	return SEE(&shard->changing) >> NUMBER_SHIFT == changing >> NUMBER_SHIFT;
}

struct window
table_window(const struct table *t, uint32_t index)
{
	const struct entry *entry = &t->entries[index];
	return (struct window){GET(&entry->start_ms), GET(&entry->used)};
}

bool
table_is_forgotten(const struct table *t, uint32_t index)
{
	const struct entry *entry = &t->entries[index];
	return GET(&entry->forgotten) == GET(&entry->window_number);
}

void
table_set_rule(struct table *t, const struct limiter_rule *rule)
{
	PUT(&t->shard->max, rule->max);
	PUT(&t->shard->window_ms, rule->window_ms);
}

void
table_set_window(struct table *t, uint32_t index, const struct window *window, uint64_t limited)
{
	struct entry *entry = &t->entries[index];
	PUT(&entry->start_ms, window->start_ms);
	PUT(&entry->used, window->used);
	PUT(&entry->limited, GET(&entry->limited) + limited);
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
		bool later = GET(&entries[b].start_ms) < GET(&entries[a].start_ms);
		uint32_t *first = later ? &b : &a;
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
		if (GET(&t->entries[i].used) == 0)
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
		if (GET(&t->entries[i].used) == 0) {
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
	/* Readers do not look at this entry before the change that was cut short is ended here. */
	uint32_t changing = (uint32_t)GET(&t->shard->changing);
	if (changing < t->shard->capacity)
		table_set_window(t, changing, &(struct window){0}, 0);
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

static bool
is_of(const struct entry *entry, const struct address *client)
{
	const uint64_t words[2] = {GET(&entry->client[0]), GET(&entry->client[1])};
	struct address own = address_of(words);
	return address_equal(&own, client);
}

uint32_t
table_find(const struct table *t, const struct address *client, uint32_t hash)
{
	uint32_t i = t->buckets[hash & t->shard->bucket_mask];
	while (i != TABLE_NONE && !is_of(&t->entries[i], client))
		i = t->entries[i].chain;
	return i;
}

uint32_t
table_next(const struct table *t)
{
	return t->shard->free != TABLE_NONE ? t->shard->free : t->shard->oldest;
}

/* What was to be forgotten is: with the number of the window before. */
static void
number_window(struct entry *entry)
{
	uint32_t number = GET(&entry->window_number) + 1;
	PUT(&entry->window_number, number != 0 ? number : 1);
}

static void
set_client(struct entry *entry, const struct address *client)
{
	uint64_t words[2];
	memcpy(words, client->bytes, sizeof words);
	PUT(&entry->client[0], words[0]);
	PUT(&entry->client[1], words[1]);
	PUT(&entry->limited, 0);
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
	set_client(entry, client);
	number_window(entry);
	entry->hash = hash;
	chain_in(t, index);
	order_append(t, index);
}

void
table_renew(struct table *t, uint32_t index)
{
	struct entry *entry = &t->entries[index];
	if (table_is_forgotten(t, index))
		PUT(&entry->limited, 0);
	number_window(entry);
	order_remove(t, index);
	order_append(t, index);
}
