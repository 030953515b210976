/* SPDX-License-Identifier: ISC */
/* Copies what the limiter shows. */
#include "figures/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct search {
	struct addresses *clients;
	enum addresses_wanted wanted;
	size_t most;  /* 0: all */
	size_t least; /* when there are as many: the one that would go first */
};

static bool
is_wanted(const struct limiter_client *client, enum addresses_wanted wanted)
{
	switch (wanted) {
	case ADDRESSES_LIMITED_NOW:
		return client->is_limited;
	case ADDRESSES_EVER_LIMITED:
		return client->limited > 0;
	default:
		return true;
	}
}

static int by_limited(const void *left, const void *right);

static void
find_least(struct search *search)
{
	const struct addresses *clients = search->clients;
	search->least = 0;
	for (size_t i = 1; i < clients->count; i++) {
		if (by_limited(&clients->items[i], &clients->items[search->least]) > 0)
			search->least = i;
	}
}

/* In the place of the least of them, if it is more. */
static void
replace_least(struct search *search, const struct limiter_client *client)
{
	struct limiter_client *least = &search->clients->items[search->least];
	if (by_limited(client, least) >= 0)
		return;
	*least = *client;
	find_least(search);
}

static void
keep(void *context, const struct limiter_client *client)
{
	struct search *search = context;
	struct addresses *clients = search->clients;
	if (!is_wanted(client, search->wanted))
		return;
	if (search->most != 0 && clients->count == search->most) {
		replace_least(search, client);
		return;
	}
	if (clients->count == clients->cap) {
		size_t cap = clients->cap == 0 ? 64 : 2 * clients->cap;
		void *items = reallocarray(clients->items, cap, sizeof *clients->items);
		if (items == NULL) {
			clients->incomplete = true;
			return;
		}
		clients->items = items;
		clients->cap = cap;
	}
	clients->items[clients->count++] = *client;
	if (clients->count == search->most)
		find_least(search);
}

static int
by_limited(const void *left, const void *right)
{
	const struct limiter_client *a = left, *b = right;
	if (a->limited != b->limited)
		return a->limited > b->limited ? -1 : 1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
}

void
addresses_list_most(struct addresses *clients, const struct shared *shared,
	enum addresses_wanted wanted, size_t most)
{
	struct search search = {.clients = clients, .wanted = wanted, .most = most};
	clients->count = 0;
	clients->incomplete = false;
	if (wanted == ADDRESSES_DENIED)
		limiter_list(shared->denied, SHARED_DENIED_ENTRIES, clock_mono_ms(), keep, &search);
	else
		limiter_list(
			shared->limiter, shared->limiter_entries, clock_mono_ms(), keep, &search);
	if (clients->count > 0)
		qsort(clients->items, clients->count, sizeof *clients->items, by_limited);
}

void
addresses_list(struct addresses *clients, const struct shared *shared, enum addresses_wanted wanted)
{
	addresses_list_most(clients, shared, wanted, 0);
}

void
addresses_fini(struct addresses *clients)
{
	free(clients->items);
	*clients = (struct addresses){0};
}

const struct limiter_client *
addresses_find(const struct addresses *clients, const struct address *address)
{
	for (size_t i = 0; i < clients->count; i++) {
		if (address_equal(&clients->items[i].address, address))
			return &clients->items[i];
	}
	return NULL;
}
