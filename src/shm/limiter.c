/* SPDX-License-Identifier: ISC */
/*
 * The rate-limit table as its users see it: shards, found by the keyed hash of an address.  What happens
 * inside of one stands in shm/table.h.
 */
#include "shm/limiter.h"

#include <errno.h>

#include "shm/table.h"

enum {
	ENTRIES_PER_SHARD = 4096,
	SHARDS_MAX = 64,
	LIST_CHUNK = 128, /* entries that are looked at under one lock */
};

struct limiter {
	struct siphash_key key;
	size_t shard_count;
	struct shard shards[];
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

size_t
limiter_size(size_t entries)
{
	size_t count = shard_count(entries);
	size_t size = sizeof(struct limiter) + count * sizeof(struct shard);
	for (size_t i = 0; i < count; i++) {
		size_t capacity = shard_entries(entries, i);
		size += table_buckets_size(capacity) + table_entries_size(capacity);
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

int
limiter_init(void *memory, size_t entries, const struct siphash_key *key)
{
	if (entries == 0 || entries >= TABLE_NONE)
		return EINVAL;
	struct limiter *limiter = memory;
	limiter->key = *key;
	limiter->shard_count = shard_count(entries);
	size_t at = sizeof *limiter + limiter->shard_count * sizeof(struct shard);
	for (size_t i = 0; i < limiter->shard_count; i++) {
		struct shard *shard = &limiter->shards[i];
		size_t capacity = shard_entries(entries, i);
		shard->buckets_at = at;
		shard->entries_at = at + table_buckets_size(capacity);
		at = shard->entries_at + table_entries_size(capacity);
		struct table table = table_of(limiter, shard);
		int error = table_init(&table, capacity);
		if (error != 0)
			return error;
	}
	return 0;
}

bool
limiter_is_sound(const struct limiter *limiter, size_t entries)
{
	if (limiter->shard_count != shard_count(entries))
		return false;
	size_t at = sizeof *limiter + limiter->shard_count * sizeof(struct shard);
	for (size_t i = 0; i < limiter->shard_count; i++) {
		const struct shard *shard = &limiter->shards[i];
		size_t capacity = shard_entries(entries, i);
		size_t entries_at = at + table_buckets_size(capacity);
		if (shard->buckets_at != at || shard->entries_at != entries_at ||
			!table_is_sound(shard, capacity))
			return false;
		at = entries_at + table_entries_size(capacity);
	}
	return true;
}

/* The shard of an address. */
static struct table
find_table(struct limiter *limiter, const struct address *client, uint32_t *hash)
{
	uint64_t whole = siphash(&limiter->key, client->bytes, sizeof client->bytes);
	size_t number = (size_t)((whole >> 32) * limiter->shard_count >> 32);
	*hash = (uint32_t)whole;
	return table_of(limiter, &limiter->shards[number]);
}

static int64_t
take(struct table *t, const struct address *client, uint32_t hash, const struct limiter_rule *rule,
	int64_t now_ms, int64_t lines)
{
	uint32_t index = table_find(t, client, hash);
	bool known = index != TABLE_NONE;
	if (!known)
		index = table_next(t);
	struct entry *entry = &t->entries[index];
	bool ended = window_ended(&entry->window, now_ms, rule->window_ms);

	table_begin_change(t, index);
	if (!known)
		table_assign(t, index, client, hash, ended);
	else if (ended)
		table_renew(t, index);
	int64_t passed = window_take(&entry->window, now_ms, rule->window_ms, rule->max, lines);
	entry->limited += (uint64_t)(lines - passed);
	table_end_change(t);
	return passed;
}

int64_t
limiter_take(struct limiter *limiter, const struct address *client, const struct limiter_rule *rule,
	int64_t now_ms, int64_t lines)
{
	if (lines <= 0 || rule->max <= 0)
		return 0; /* begins no window: an entry in use has used at least one token */
	uint32_t hash;
	struct table table = find_table(limiter, client, &hash);
	table_lock(&table);
	if (now_ms < table.shard->latest_ms)
		now_ms = table.shard->latest_ms;
	table.shard->latest_ms = now_ms;
	table.shard->rule = *rule;
	int64_t passed = take(&table, client, hash, rule, now_ms, lines);
	table_unlock(&table);
	return passed;
}

struct limiter_stats
limiter_stats(const struct limiter *limiter)
{
	struct limiter_stats sum = {0};
	for (size_t i = 0; i < limiter->shard_count; i++) {
		const struct shard *shard = &limiter->shards[i];
		sum.evictions += atomic_load_explicit(&shard->evictions, memory_order_relaxed);
		sum.repairs += atomic_load_explicit(&shard->repairs, memory_order_relaxed);
		sum.entries += atomic_load_explicit(&shard->used, memory_order_relaxed);
	}
	return sum;
}

static struct limiter_client
describe(const struct entry *entry, const struct limiter_rule *rule, int64_t now_ms)
{
	const struct window *window = &entry->window;
	struct limiter_client client = {.address = entry->client, .limited = entry->limited};
	if (window_ended(window, now_ms, rule->window_ms))
		return client;
	int64_t passed_ms = now_ms > window->start_ms ? now_ms - window->start_ms : 0;
	client.used = window->used;
	client.left_ms = rule->window_ms - passed_ms;
	client.is_limited = window->used >= rule->max;
	return client;
}

/* Copies what is used among the next few entries; where the listing goes on. */
static uint32_t
copy_chunk(struct table *t, uint32_t at, int64_t now_ms, struct limiter_client *out, size_t *count)
{
	struct shard *shard = t->shard;
	table_lock(t);
	for (uint32_t end = at + LIST_CHUNK; at < end && at < shard->capacity; at++) {
		if (t->entries[at].window.used > 0)
			out[(*count)++] = describe(&t->entries[at], &shard->rule, now_ms);
	}
	table_unlock(t);
	return at;
}

void
limiter_list(struct limiter *limiter, int64_t now_ms, limiter_visit *visit, void *context)
{
	for (size_t i = 0; i < limiter->shard_count; i++) {
		struct table table = table_of(limiter, &limiter->shards[i]);
		for (uint32_t at = 0; at < table.shard->capacity;) {
			struct limiter_client clients[LIST_CHUNK];
			size_t count = 0;
			at = copy_chunk(&table, at, now_ms, clients, &count);
			for (size_t n = 0; n < count; n++)
				visit(context, &clients[n]);
		}
	}
}

bool
limiter_reset(struct limiter *limiter, const struct address *client)
{
	uint32_t hash;
	struct table table = find_table(limiter, client, &hash);
	table_lock(&table);
	uint32_t index = table_find(&table, client, hash);
	if (index != TABLE_NONE) {
		table_begin_change(&table, index);
		table_release(&table, index);
		table_end_change(&table);
	}
	table_unlock(&table);
	return index != TABLE_NONE;
}
