/* SPDX-License-Identifier: ISC */
/* The list of clients and the life of their threads. */
#include "serve/clients.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of address space; what is not touched costs nothing. */
enum { CLIENT_STACK_BYTES = 256 * 1024 };

struct client {
	struct conn conn;
	struct clients *clients;
	pthread_t thread;
	LIST_ENTRY(client) link; /* of the list, then of those that are over */
};

int
clients_init(
	struct clients *clients, const struct conn_world *world, struct roster *roster, size_t most)
{
	*clients = (struct clients){.world = world, .roster = roster, .most = most};
	LIST_INIT(&clients->list);
	LIST_INIT(&clients->over);
	pthread_mutex_init(&clients->lock, NULL);
	pthread_attr_init(&clients->thread_attributes);
	pthread_attr_setstacksize(&clients->thread_attributes, CLIENT_STACK_BYTES);
	clients->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return clients->wakeup < 0 ? -1 : 0;
}

void
clients_fini(struct clients *clients)
{
	clients_reap(clients);
	close(clients->wakeup);
	pthread_attr_destroy(&clients->thread_attributes);
	pthread_mutex_destroy(&clients->lock);
}

void
clients_reap(struct clients *clients)
{
	pthread_mutex_lock(&clients->lock);
	struct client *client = LIST_FIRST(&clients->over);
	LIST_INIT(&clients->over);
	pthread_mutex_unlock(&clients->lock);
	while (client != NULL) {
		struct client *next = LIST_NEXT(client, link);
		pthread_join(client->thread, NULL);
		free(client);
		client = next;
	}
}

size_t
clients_count(struct clients *clients)
{
	return atomic_load(&clients->threads);
}

bool
clients_are_full(struct clients *clients)
{
	return clients_count(clients) >= clients->most;
}

static void
enlist(struct clients *clients, struct client *client)
{
	const struct conn_world *world = clients->world;
	pthread_mutex_lock(&clients->lock);
	LIST_INSERT_HEAD(&clients->list, client, link);
	scoreboard_set_clients(world->scoreboard, world->worker, ++clients->listed);
	pthread_mutex_unlock(&clients->lock);
}

static void
delist(struct clients *clients, struct client *client)
{
	const struct conn_world *world = clients->world;
	pthread_mutex_lock(&clients->lock);
	LIST_REMOVE(client, link);
	scoreboard_set_clients(world->scoreboard, world->worker, --clients->listed);
	pthread_mutex_unlock(&clients->lock);
}

/* The last thing a thread does; whoever reaps it waits for its end. */
static void
thread_over(struct client *client)
{
	struct clients *clients = client->clients;
	bool wanted = clients_are_full(clients) || atomic_load(clients->world->leaving);
	pthread_mutex_lock(&clients->lock);
	client->thread = pthread_self();
	LIST_INSERT_HEAD(&clients->over, client, link);
	atomic_fetch_sub(&clients->threads, 1);
	pthread_mutex_unlock(&clients->lock);
	if (wanted)
		eventfd_write(clients->wakeup, 1);
}

static void *
client_main(void *argument)
{
	struct client *client = argument;
	struct clients *clients = client->clients;
	bool linger = conn_serve(&client->conn);
	delist(clients, client);
	if (linger)
		conn_linger(&client->conn);
	/* The place is free before the client can see the end: it may come back at once. */
	roster_leave(clients->roster, clients->world->worker, client->conn.place);
	conn_close(&client->conn, linger);
	conn_fini(&client->conn);
	thread_over(client);
	return NULL;
}

int
clients_start(struct clients *clients, const struct arrival *arrival, int place)
{
	clients_reap(clients);
	struct client *client = malloc(sizeof *client);
	if (client == NULL)
		return -1;
	conn_init(&client->conn, clients->world, arrival, place);
	client->clients = clients;
	atomic_fetch_add(&clients->threads, 1);
	enlist(clients, client);
	pthread_t thread;
	if (pthread_create(&thread, &clients->thread_attributes, client_main, client) == 0)
		return 0;
	delist(clients, client);
	atomic_fetch_sub(&clients->threads, 1);
	conn_fini(&client->conn);
	free(client);
	return -1;
}

void
clients_stop_reading(struct clients *clients)
{
	struct client *client;
	pthread_mutex_lock(&clients->lock);
	LIST_FOREACH (client, &clients->list, link)
		conn_stop_reading(&client->conn);
	pthread_mutex_unlock(&clients->lock);
}
