/* SPDX-License-Identifier: ISC */
/*
 * The rate-limit table as its users see it: shards, found by the keyed hash of an address.  What happens
 * inside of one stands in shm/table.h.
 */
#include "shm/limiter.h"

#include <errno.h>
#include <time.h>

#include "shm/table.h"

enum {
	ENTRIES_PER_SHARD = 4096,
	SHARDS_MAX = 64,
	COPY_TRIES = 100, /* at an entry that is being changed, before it is waited for */
	PATIENCE_MS = 50, /* in one listing: the one who changes it may wait for a processor */
	MILLISECOND_NS = 1000000,
};

/* Of a table that counts events: windows that begin with the last one and do not end. */
static const struct limiter_rule noting = {.max = 1, .window_ms = INT64_MAX / 2};

struct limiter {
	struct siphash_key key;
	size_t shard_count;
	struct shard shards[SHARDS_MAX]; /* those that are not used stay zero */
};

/* Where a shard's parts lie, in bytes from the limiter: known without a look at it. */
struct parts {
	uint32_t capacity;
	size_t buckets_at, entries_at, end;
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

/* The parts of a shard, behind those of the one before. */
static struct parts
parts_behind(size_t at, size_t entries, size_t shard)
{
	struct parts parts = {
		.capacity = (uint32_t)shard_entries(entries, shard), .buckets_at = at};
	parts.entries_at = at + table_buckets_size(parts.capacity);
	parts.end = parts.entries_at + table_entries_size(parts.capacity);
	return parts;
}

size_t
limiter_size(size_t entries)
{
	size_t size = sizeof(struct limiter);
	for (size_t i = 0; i < shard_count(entries); i++)
		size = parts_behind(size, entries, i).end;
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
	struct parts parts = {.end = sizeof *limiter};
	for (size_t i = 0; i < limiter->shard_count; i++) {
		struct shard *shard = &limiter->shards[i];
		parts = parts_behind(parts.end, entries, i);
		shard->buckets_at = parts.buckets_at;
		shard->entries_at = parts.entries_at;
		struct table table = table_of(limiter, shard);
		int error = table_init(&table, parts.capacity);
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
	struct parts parts = {.end = sizeof *limiter};
	for (size_t i = 0; i < shard_count(entries); i++) {
		const struct shard *shard = &limiter->shards[i];
		parts = parts_behind(parts.end, entries, i);
		if (shard->buckets_at != parts.buckets_at ||
			shard->entries_at != parts.entries_at ||
			!table_is_sound(shard, parts.capacity))
			return false;
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
	struct window window = table_window(t, index);
	bool ended = window_ended(&window, now_ms, rule->window_ms) || table_is_forgotten(t, index);

	table_begin_change(t, index);
	table_set_rule(t, rule);
	if (!known)
		table_assign(t, index, client, hash, ended);
	else if (ended)
		table_renew(t, index);
	if (!known || ended)
		window = (struct window){0};
	int64_t passed = window_take(&window, now_ms, rule->window_ms, rule->max, lines);
	table_set_window(t, index, &window, (uint64_t)(lines - passed));
	table_end_change(t);
	return passed;
}

/* Locks the client's shard, whose time never runs back: *now_ms becomes its own. */
static struct table
lock_table(struct limiter *limiter, const struct address *client, uint32_t *hash, int64_t *now_ms)
{
	struct table table = find_table(limiter, client, hash);
	table_lock(&table);
	if (*now_ms < table.shard->latest_ms)
		*now_ms = table.shard->latest_ms;
	table.shard->latest_ms = *now_ms;
	return table;
}

int64_t
limiter_take(struct limiter *limiter, const struct address *client, const struct limiter_rule *rule,
	int64_t now_ms, int64_t lines)
{
	if (lines <= 0 || rule->max <= 0)
		return 0; /* begins no window: an entry in use has used at least one token */
	uint32_t hash;
	struct table table = lock_table(limiter, client, &hash, &now_ms);
	int64_t passed = take(&table, client, hash, rule, now_ms, lines);
	table_unlock(&table);
	return passed;
}

static void
note(struct table *t, const struct address *client, uint32_t hash, int64_t now_ms)
{
	uint32_t index = table_find(t, client, hash);
	bool known = index != TABLE_NONE;
	if (!known)
		index = table_next(t);
	table_begin_change(t, index);
	table_set_rule(t, &noting);
	if (known)
		table_renew(t, index);
	else
		table_assign(t, index, client, hash, false);
	table_set_window(t, index, &(struct window){.start_ms = now_ms, .used = 1}, 1);
	table_end_change(t);
}

void
limiter_note(struct limiter *limiter, const struct address *client, int64_t now_ms)
{
	uint32_t hash;
	struct table table = lock_table(limiter, client, &hash, &now_ms);
	note(&table, client, hash, now_ms);
	table_unlock(&table);
}

int64_t
limiter_noted_ms(const struct limiter_client *client)
{
	return noting.window_ms - client->left_ms;
}

struct limiter_stats
limiter_stats(const struct limiter *limiter)
{
	struct limiter_stats sum = {0};
	for (size_t i = 0; i < SHARDS_MAX; i++) {
		const struct shard *shard = &limiter->shards[i];
		sum.evictions += atomic_load_explicit(&shard->evictions, memory_order_relaxed);
		sum.repairs += atomic_load_explicit(&shard->repairs, memory_order_relaxed);
		sum.entries += atomic_load_explicit(&shard->used, memory_order_relaxed);
	}
	return sum;
}

static void
pause_ms(void)
{
	nanosleep(&(struct timespec){.tv_nsec = MILLISECOND_NS}, NULL);
}

/* Copies an entry as it was at one moment.  False where that cannot be had. */
static bool
copy(const struct shard *shard, const struct entry *entry, uint32_t index, struct entry_copy *out,
	int *patience_ms)
{
	for (;; pause_ms(), --*patience_ms) {
		for (int i = 0; i < COPY_TRIES; i++) {
			if (table_try_copy(shard, entry, index, out))
				return true;
		}
		if (*patience_ms <= 0)
			return false;
	}
}

/* Whether somebody is to be shown, and nothing stands there that no limiter writes: what follows calculates with it. */
static bool
is_shown(const struct entry_copy *copy)
{
	return copy->window.used > 0 && !copy->is_forgotten && copy->rule.max > 0 &&
	       copy->rule.window_ms > 0 && copy->rule.window_ms <= INT64_MAX / 2;
}

static struct limiter_client
describe(const struct entry_copy *copy, int64_t now_ms)
{
	const struct window *window = &copy->window;
	const struct limiter_rule *rule = &copy->rule;
	struct limiter_client client = {.address = copy->client,
		.limited = copy->limited,
		.window_number = copy->window_number};
	if (window_ended(window, now_ms, rule->window_ms))
		return client;
	int64_t passed_ms = now_ms > window->start_ms ? now_ms - window->start_ms : 0;
	client.used = window->used;
	client.left_ms = rule->window_ms - passed_ms;
	client.is_limited = window->used >= rule->max;
	return client;
}

void
limiter_list(const struct limiter *limiter, size_t entries, int64_t now_ms, limiter_visit *visit,
	void *context)
{
	int patience_ms = PATIENCE_MS;
	struct parts parts = {.end = sizeof *limiter};
	for (uint32_t i = 0; i < shard_count(entries); i++) {
		parts = parts_behind(parts.end, entries, i);
		const void *first = (const char *)limiter + parts.entries_at;
		for (uint32_t at = 0; at < parts.capacity; at++) {
			const struct entry *entry = (const struct entry *)first + at;
			struct entry_copy copied;
			if (!copy(&limiter->shards[i], entry, at, &copied, &patience_ms) ||
				!is_shown(&copied))
				continue;
			struct limiter_client client = describe(&copied, now_ms);
			client.shard = i;
			client.entry = at;
			visit(context, &client);
		}
	}
}

void
limiter_forget(struct limiter *limiter, size_t entries, const struct limiter_client *client)
{
	struct parts parts = {.end = sizeof *limiter};
	for (size_t i = 0; i <= client->shard; i++)
		parts = parts_behind(parts.end, entries, i);
	void *first = (char *)limiter + parts.entries_at;
	struct entry *entry = (struct entry *)first + client->entry;
	atomic_store_explicit(&entry->forgotten, client->window_number, memory_order_release);
}
