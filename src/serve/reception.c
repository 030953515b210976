/* SPDX-License-Identifier: ISC */
/* Accepting, and who is turned away when. */
#include "serve/reception.h"

#include "base/clock.h"
#include "core/access.h"
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

/* Whether the other side may be here at all; what it says later of others is for later. */
static bool
is_welcome(const struct settings *settings, const struct arrival *arrival)
{
	if ((arrival->options & LISTEN_PROXY) != 0)
		return access_lists(settings->proxy_trusted, (size_t)settings->proxy_trusted_count,
			&arrival->address);
	return access_granted(
		settings->require, (size_t)settings->require_count, &arrival->address);
}

/* A place in the roster, or -1: the client has too many, or there is none. */
static int
enter_roster(struct reception *reception, const struct settings *settings,
	const struct arrival *arrival, const struct address *key, bool *too_many)
{
	static const struct address unknown = ROSTER_UNKNOWN;
	struct roster *roster = reception->shared->roster;
	size_t worker = reception->world->worker;
	/* The balancer's connections are those of its clients: whose, it tells later. */
	if ((arrival->options & LISTEN_PROXY) != 0)
		return roster_enter(roster, worker, &unknown, 0, too_many);
	return roster_enter(
		roster, worker, key, (size_t)settings->max_connections_per_client, too_many);
}

enum admission { ADMITTED, NOT_WELCOME, NO_ROOM };

static enum admission
try_to_admit(struct reception *reception, const struct settings *settings,
	const struct arrival *arrival, const struct address *key)
{
	bool too_many = false;
	if (!is_welcome(settings, arrival))
		return NOT_WELCOME;
	if (clients_are_full(reception->clients))
		return NO_ROOM;
	int place = enter_roster(reception, settings, arrival, key, &too_many);
	if (place >= 0 && clients_start(reception->clients, arrival, place) == 0)
		return ADMITTED;
	if (place >= 0)
		roster_leave(reception->shared->roster, reception->world->worker, place);
	return too_many ? NOT_WELCOME : NO_ROOM;
}

/* Serves or refuses one accepted client. */
static void
admit(struct reception *reception, const struct arrival *arrival, int64_t now_ms)
{
	const struct view *view = view_get(reception->world->desk);
	struct address key = address_prefix(
		&arrival->address, (unsigned)view->settings.rate_limit_ipv6_prefix);
	enum admission admission = try_to_admit(reception, &view->settings, arrival, &key);
	view_put(reception->world->desk, view);
	switch (admission) {
	case ADMITTED:
		count(reception, COUNT_ACCEPTED);
		reception->accepted++;
		break;
	case NOT_WELCOME:
		conn_count_denied(reception->world, &key, now_ms);
		door_refuse(&reception->door, arrival, reply_denied(), now_ms);
		break;
	case NO_ROOM:
		count(reception, COUNT_BUSY);
		door_refuse(&reception->door, arrival, reply_busy(), now_ms);
		break;
	}
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
