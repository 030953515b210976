/* SPDX-License-Identifier: ISC */
/* Accepting, and who is turned away when. */
#include "serve/reception.h"

#include "base/clock.h"
#include "core/reply.h"

enum { BUSY_WAIT_MS = 200 }; /* how long a full worker leaves a client to the others */

int
reception_open(struct reception *reception, const struct conn_world *world,
	const struct shared *shared, struct listener_set *listeners, struct clients *clients)
{
	*reception = (struct reception){
		.world = world,
		.shared = shared,
		.listeners = listeners,
		.clients = clients,
		.full_since_ms = -1,
	};
	return door_open(&reception->door);
}

void
reception_close(struct reception *reception)
{
	door_close(&reception->door);
}

static void
count(const struct reception *reception, enum count what)
{
	scoreboard_add(reception->world->scoreboard, reception->world->worker, what, 1);
}

/* A place in the roster for the client, or -1: it has too many, or there is none. */
static int
enter_roster(struct reception *reception, const struct address *address, bool *too_many)
{
	const struct view *view = view_get(reception->world->desk);
	struct address key = address_prefix(
		address, (unsigned)view->settings.rate_limit_ipv6_prefix);
	int place = roster_enter(reception->shared->roster, reception->world->worker, &key,
		(size_t)view->settings.max_connections_per_client, too_many);
	view_put(reception->world->desk, view);
	return place;
}

/* Serves or refuses one accepted client. */
static void
admit(struct reception *reception, const struct arrival *arrival, int64_t now_ms)
{
	bool too_many = false;
	int place = -1;
	if (!clients_are_full(reception->clients))
		place = enter_roster(reception, &arrival->address, &too_many);
	if (place >= 0 && clients_start(reception->clients, arrival, place) == 0) {
		count(reception, COUNT_ACCEPTED);
		reception->accepted++;
		return;
	}
	if (place >= 0)
		roster_leave(reception->shared->roster, reception->world->worker, place);
	count(reception, too_many ? COUNT_DENIED : COUNT_BUSY);
	door_refuse(&reception->door, arrival, too_many ? reply_denied() : reply_busy(), now_ms);
}

/* Takes one client from a listener; false when nobody waits there. */
static bool
accept_one(struct reception *reception, const struct listener *listener)
{
	struct arrival arrival;
	int64_t now_ms = clock_mono_ms();
	switch (door_accept(&reception->door, listener, &arrival, now_ms)) {
	case DOOR_NONE:
		return false;
	case DOOR_REFUSED:
		count(reception, COUNT_BUSY);
		break;
	case DOOR_CLIENT:
		admit(reception, &arrival, now_ms);
		break;
	}
	return true;
}

/* Whether no other worker could take a client either. */
static bool
all_workers_full(const struct reception *reception)
{
	const struct shared *shared = reception->shared;
	struct scoreboard_slot slot;
	for (size_t i = 0; i < shared->slots; i++) {
		if (scoreboard_read_slot(shared->board, i, &slot) && slot.state == SLOT_SERVING &&
			roster_clients(shared->roster, i) < reception->clients->most)
			return false;
	}
	return true;
}

/*
 * This worker has been full for BUSY_WAIT_MS.  Clients that still wait are refused when the others
 * are full too, or when none has taken them for another tick.
 */
static void
refuse_waiting(struct reception *reception)
{
	const struct listener_set *listeners = reception->listeners;
	bool refuse = reception->waited_busy || all_workers_full(reception);
	bool waiting = false;
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *listener = &listeners->items[i];
		size_t count = listener_waiting(listener->fd);
		waiting |= count > 0;
		/* Who comes while the others are refused has not waited. */
		while (refuse && count-- > 0 && clients_are_full(reception->clients) &&
			accept_one(reception, listener))
			continue;
	}
	reception->waited_busy = waiting && !refuse;
}

/* Whether the worker is full, and since when. */
static bool
note_fullness(struct reception *reception, int64_t now_ms)
{
	if (!clients_are_full(reception->clients)) {
		reception->full_since_ms = -1;
		reception->waited_busy = false;
		return false;
	}
	if (reception->full_since_ms < 0)
		reception->full_since_ms = now_ms;
	return true;
}

void
reception_prepare(struct reception *reception, struct pollfd *polls)
{
	int64_t now_ms = clock_mono_ms();
	bool open = !note_fullness(reception, now_ms) && reception->door.paused_until_ms <= now_ms;
	for (size_t i = 0; i < reception->listeners->count; i++)
		polls[i] = (struct pollfd){
			.fd = open ? reception->listeners->items[i].fd : -1, .events = POLLIN};
}

int
reception_tick(struct reception *reception)
{
	int door_ms = door_tick(&reception->door, clock_mono_ms());
	if (reception->full_since_ms < 0 || (door_ms >= 0 && door_ms < BUSY_WAIT_MS))
		return door_ms;
	return BUSY_WAIT_MS;
}

void
reception_round(struct reception *reception, const struct pollfd *polls)
{
	int64_t now_ms = clock_mono_ms();
	if (note_fullness(reception, now_ms) && now_ms - reception->full_since_ms >= BUSY_WAIT_MS) {
		refuse_waiting(reception);
		reception->full_since_ms = clock_mono_ms();
	}
	for (size_t i = 0; i < reception->listeners->count; i++) {
		if (polls[i].revents != 0 && !clients_are_full(reception->clients))
			accept_one(reception, &reception->listeners->items[i]);
	}
}

void
reception_accept_waiting(struct reception *reception)
{
	const struct listener_set *listeners = reception->listeners;
	for (size_t i = 0; i < listeners->count; i++) {
		/* There the next daemon has more time for them. */
		const struct listener *listener = &listeners->items[i];
		if (listener->passed)
			continue;
		size_t count = listener_waiting(listener->fd);
		while (count-- > 0 && !clients_are_full(reception->clients) &&
			accept_one(reception, listener))
			continue;
	}
}
