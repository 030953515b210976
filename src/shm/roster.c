/* SPDX-License-Identifier: ISC */
/*
 * The places of all workers.  A worker's places are changed by that worker only, and each change is
 * one atomic store: a worker that is killed leaves nothing half done, so an inherited lock needs no
 * repair.  The lock makes counting a client's places and taking one more a single step.
 */
#include "shm/roster.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "shm/region.h"
#include "shm/robust.h"

/*
 * The address is written before `taken` is set, or under the lock where it matters; in words, as others may read it
 * meanwhile.
 */
struct place {
	_Atomic uint64_t address[2];
	_Atomic uint64_t taken;
};

struct desk {
	alignas(REGION_LINE_BYTES) _Atomic size_t clients;
	_Atomic size_t hint; /* where a free place is likely */
	_Atomic size_t top;  /* no place from here on was ever taken: its memory is not touched */
};

/* The desks follow, then the places, each worker's on cache lines of their own. */
struct roster {
	alignas(REGION_LINE_BYTES) pthread_mutex_t mutex;
	size_t workers, places;
	struct desk desks[];
};

static size_t
places_bytes(size_t places)
{
	return region_align(places * sizeof(struct place));
}

static struct place *
places_of(const struct roster *roster, size_t worker)
{
	char *first = (char *)(uintptr_t)&roster->desks[roster->workers];
	return (struct place *)(void *)(first + worker * places_bytes(roster->places));
}

size_t
roster_size(size_t workers, size_t threads_per_worker)
{
	return sizeof(struct roster) +
	       workers * (sizeof(struct desk) + places_bytes(threads_per_worker));
}

int
roster_init(void *memory, size_t workers, size_t threads_per_worker)
{
	struct roster *roster = memory;
	roster->workers = workers;
	roster->places = threads_per_worker;
	return robust_init(&roster->mutex);
}

static void
split(const struct address *client, uint64_t words[static 2])
{
	memcpy(words, client->bytes, sizeof client->bytes);
}

static bool
is_taken(const struct place *place)
{
	return atomic_load_explicit(&place->taken, memory_order_acquire) != 0;
}

static size_t
count_client(const struct roster *roster, const struct address *client)
{
	uint64_t words[2];
	split(client, words);
	size_t count = 0;
	for (size_t worker = 0; worker < roster->workers; worker++) {
		const struct place *places = places_of(roster, worker);
		size_t top = atomic_load(&roster->desks[worker].top);
		for (size_t i = 0; i < top; i++)
			count += is_taken(&places[i]) &&
			         atomic_load_explicit(
					 &places[i].address[0], memory_order_relaxed) == words[0] &&
			         atomic_load_explicit(
					 &places[i].address[1], memory_order_relaxed) == words[1];
	}
	return count;
}

static void
occupy(struct place *place, const struct address *client)
{
	uint64_t words[2];
	split(client, words);
	atomic_store_explicit(&place->address[0], words[0], memory_order_relaxed);
	atomic_store_explicit(&place->address[1], words[1], memory_order_relaxed);
	atomic_store_explicit(&place->taken, 1, memory_order_release);
}

static int
take_place(struct roster *roster, size_t worker, const struct address *client)
{
	struct desk *desk = &roster->desks[worker];
	if (atomic_load(&desk->clients) >= roster->places)
		return -1;
	struct place *places = places_of(roster, worker);
	size_t i = atomic_load(&desk->hint);
	for (size_t seen = 0; seen < roster->places; seen++, i++) {
		if (i >= roster->places)
			i = 0;
		if (is_taken(&places[i]))
			continue;
		if (i >= atomic_load(&desk->top))
			atomic_store(&desk->top, i + 1);
		occupy(&places[i], client);
		atomic_fetch_add(&desk->clients, 1);
		atomic_store(&desk->hint, i + 1);
		return (int)i;
	}
	return -1;
}

int
roster_enter(struct roster *roster, size_t worker, const struct address *client,
	size_t max_per_client, bool *too_many)
{
	*too_many = false;
	if (max_per_client == 0)
		return take_place(roster, worker, client);
	if (robust_lock(&roster->mutex) == ROBUST_INHERITED)
		robust_repaired(&roster->mutex);
	*too_many = count_client(roster, client) >= max_per_client;
	int place = *too_many ? -1 : take_place(roster, worker, client);
	robust_unlock(&roster->mutex);
	return place;
}

bool
roster_rename(struct roster *roster, size_t worker, int place, const struct address *client,
	size_t max_per_client)
{
	struct place *mine = &places_of(roster, worker)[place];
	if (max_per_client == 0) {
		occupy(mine, client);
		return true;
	}
	if (robust_lock(&roster->mutex) == ROBUST_INHERITED)
		robust_repaired(&roster->mutex);
	bool good = count_client(roster, client) < max_per_client;
	if (good)
		occupy(mine, client);
	robust_unlock(&roster->mutex);
	return good;
}

void
roster_leave(struct roster *roster, size_t worker, int place)
{
	struct desk *desk = &roster->desks[worker];
	atomic_store_explicit(&places_of(roster, worker)[place].taken, 0, memory_order_release);
	atomic_store(&desk->hint, (size_t)place);
	atomic_fetch_sub(&desk->clients, 1);
}

void
roster_bury(struct roster *roster, size_t worker)
{
	struct place *places = places_of(roster, worker);
	for (size_t i = 0; i < atomic_load(&roster->desks[worker].top); i++)
		atomic_store_explicit(&places[i].taken, 0, memory_order_release);
	atomic_store(&roster->desks[worker].hint, 0);
	atomic_store(&roster->desks[worker].clients, 0);
}

size_t
roster_clients(const struct roster *roster, size_t worker)
{
	return atomic_load(&roster->desks[worker].clients);
}

size_t
roster_places(const struct roster *roster)
{
	return roster->places;
}
