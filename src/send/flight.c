/* SPDX-License-Identifier: ISC */
/* The queue of requests that are not answered yet. */
#include "send/flight.h"

#include <assert.h>

int
flight_init(struct flight *flight, size_t window)
{
	*flight = (struct flight){.window = window};
	flight->lengths = calloc(window, sizeof *flight->lengths);
	return flight->lengths != NULL ? 0 : -1;
}

void
flight_fini(struct flight *flight)
{
	buf_fini(&flight->bytes);
	free(flight->lengths);
	*flight = (struct flight){0};
}

static size_t
gone(const struct flight *flight)
{
	return flight->start < flight->sent ? flight->start : flight->sent;
}

bool
flight_has_room(const struct flight *flight)
{
	return flight->count == 0 ||
	       (flight->count < flight->window && flight->bytes.len - gone(flight) < FLIGHT_BYTES);
}

/* Moving is put off until half of the bytes are gone: each byte is moved about once. */
static void
compact(struct flight *flight)
{
	size_t bytes = gone(flight);
	if (bytes == 0 || bytes < flight->bytes.len / 2)
		return;
	flight->bytes.len -= bytes;
	flight->start -= bytes;
	flight->sent -= bytes;
	memmove(flight->bytes.data, flight->bytes.data + bytes, flight->bytes.len);
}

int
flight_push(struct flight *flight, struct slice line)
{
	assert(flight->count < flight->window);
	compact(flight);
	char *room = buf_reserve(&flight->bytes, line.len + 1);
	if (room == NULL)
		return -1;
	if (line.len > 0)
		memcpy(room, line.data, line.len);
	room[line.len] = '\n';
	flight->bytes.len += line.len + 1;
	flight->lengths[(flight->first + flight->count) % flight->window] = line.len + 1;
	flight->count++;
	return 0;
}

struct slice
flight_unsent(const struct flight *flight)
{
	if (flight->sent == flight->bytes.len)
		return (struct slice)SLICE("");
	return (struct slice){flight->bytes.data + flight->sent, flight->bytes.len - flight->sent};
}

void
flight_advance(struct flight *flight, size_t n)
{
	assert(n <= flight->bytes.len - flight->sent);
	flight->sent += n;
}

struct slice
flight_oldest(const struct flight *flight)
{
	assert(flight->count > 0);
	return (struct slice){
		flight->bytes.data + flight->start, flight->lengths[flight->first] - 1};
}

bool
flight_is_oldest_sent(const struct flight *flight)
{
	return flight->count > 0 && flight->sent >= flight->start + flight->lengths[flight->first];
}

bool
flight_answered(struct flight *flight)
{
	if (flight->count == 0 || flight->sent <= flight->start)
		return false;
	flight->start += flight->lengths[flight->first];
	flight->first = (flight->first + 1) % flight->window;
	flight->count--;
	return true;
}

void
flight_rewind(struct flight *flight)
{
	flight->sent = flight->start;
}
