/* SPDX-License-Identifier: ISC */
/* Copies what the limiter shows. */
#include "figures/clients.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct search {
	struct clients *clients;
	enum clients_wanted wanted;
};

static bool
is_wanted(const struct limiter_client *client, enum clients_wanted wanted)
{
	switch (wanted) {
	case CLIENTS_LIMITED_NOW:
		return client->is_limited;
	case CLIENTS_EVER_LIMITED:
		return client->limited > 0;
	default:
		return true;
	}
}

static void
keep(void *context, const struct limiter_client *client)
{
	struct search *search = context;
	struct clients *clients = search->clients;
	if (!is_wanted(client, search->wanted))
		return;
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
clients_list(struct clients *clients, const struct shared *shared, enum clients_wanted wanted)
{
	struct search search = {clients, wanted};
	clients->count = 0;
	clients->incomplete = false;
	limiter_list(shared->limiter, shared->limiter_entries, clock_mono_ms(), keep, &search);
	if (clients->count > 0)
		qsort(clients->items, clients->count, sizeof *clients->items, by_limited);
}

void
clients_fini(struct clients *clients)
{
	free(clients->items);
	*clients = (struct clients){0};
}

const struct limiter_client *
clients_find(const struct clients *clients, const struct address *address)
{
	for (size_t i = 0; i < clients->count; i++) {
		if (address_equal(&clients->items[i].address, address))
			return &clients->items[i];
	}
	return NULL;
}
