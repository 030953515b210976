/* SPDX-License-Identifier: ISC */
/*
 * A worker's main thread: it accepts, starts threads, keeps the process title true, and
 * drains.  What a client's thread does stands in conn.c.
 */
#include "serve/worker.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "serve/conn.h"
#include "serve/door.h"

enum {
	CLIENT_STACK_BYTES = 256 * 1024, /* of address space; what is not touched costs nothing */
	BUSY_WAIT_MS = 200,              /* how long a full worker leaves a client to the others */
	TITLE_MS = 1000,
	TRIM_MS = 2000, /* least time between two looks for memory that nobody uses */
	DRAIN_POLL_MS = 50,
	SPARE_DESCRIPTORS = 8, /* to open the log anew, and to refuse */
};

struct client {
	struct conn conn;
	struct worker *worker;
	int place; /* in the roster */
	LIST_ENTRY(client) link;
};

struct worker {
	const struct worker_heritage *heritage;
	struct conn_world world;
	struct door door;
	int channel; /* to the supervisor */
	int signals; /* signalfd: TERM */
	int wakeup;  /* eventfd: a client has left a full or draining worker */
	pthread_attr_t thread_attributes;
	size_t capacity; /* the most clients: ThreadsPerWorker, or what descriptors allow */
	atomic_bool draining;
	atomic_bool
		cooled; /* memory was given back to the heap, where the kernel does not see it */
	atomic_size_t threads;
	pthread_mutex_t lock; /* of the list: a client is in it as long as its socket is open */
	LIST_HEAD(, client) clients;
	int64_t trim_at_ms;
	size_t titled;    /* the number of clients that the title tells */
	bool waited_busy; /* a client has waited at a full worker for one tick already */
	struct pollfd *polls;
};

enum { POLL_CHANNEL, POLL_SIGNALS, POLL_WAKEUP, POLL_LISTENERS };

static void
count(const struct worker *worker, enum count what)
{
	scoreboard_add(worker->heritage->scoreboard, worker->world.worker, what, 1);
}

static bool
is_full(struct worker *worker)
{
	return atomic_load(&worker->threads) >= worker->capacity;
}

/* The last thing a thread does; after the count has gone down the worker may be gone. */
static void
thread_over(struct worker *worker)
{
	bool wanted = is_full(worker) || atomic_load(&worker->draining);
	int wakeup = worker->wakeup;
	atomic_fetch_sub(&worker->threads, 1);
	if (wanted)
		eventfd_write(wakeup, 1);
}

/* The place is free before the client can see the end: it may come back at once. */
static void
end_connection(struct client *client, bool linger)
{
	const struct worker *worker = client->worker;
	struct stream *stream = &client->conn.stream;
	if (linger)
		stream_linger(stream, worker->heritage->settings->send_timeout_s * 1000);
	roster_leave(worker->heritage->roster, worker->world.worker, client->place);
	if (linger)
		stream_close(stream);
	else
		stream_abort(stream);
}

static void *
client_main(void *argument)
{
	struct client *client = argument;
	struct worker *worker = client->worker;
	bool linger = conn_serve(&client->conn);
	pthread_mutex_lock(&worker->lock);
	LIST_REMOVE(client, link);
	pthread_mutex_unlock(&worker->lock);
	end_connection(client, linger);
	conn_fini(&client->conn);
	free(client);
	thread_over(worker);
	return NULL;
}

/* Gives an accepted client a thread.  0, or -1 when there is no memory for one. */
static int
start_client(struct worker *worker, int fd, const struct address *address, int place)
{
	struct client *client = malloc(sizeof *client);
	if (client == NULL)
		return -1;
	conn_init(&client->conn, &worker->world, fd, address);
	client->worker = worker;
	client->place = place;
	atomic_fetch_add(&worker->threads, 1);
	pthread_mutex_lock(&worker->lock);
	LIST_INSERT_HEAD(&worker->clients, client, link);
	pthread_mutex_unlock(&worker->lock);
	pthread_t thread;
	if (pthread_create(&thread, &worker->thread_attributes, client_main, client) == 0)
		return 0;
	pthread_mutex_lock(&worker->lock);
	LIST_REMOVE(client, link);
	pthread_mutex_unlock(&worker->lock);
	atomic_fetch_sub(&worker->threads, 1);
	conn_fini(&client->conn);
	free(client);
	return -1;
}

/* Serves or refuses one accepted client. */
static void
admit(struct worker *worker, int fd, const struct address *address, int64_t now_ms)
{
	const struct settings *settings = worker->heritage->settings;
	struct address key = address_prefix(address, (unsigned)settings->rate_limit_ipv6_prefix);
	bool too_many = false;
	int place = roster_enter(worker->heritage->roster, worker->world.worker, &key,
		(size_t)settings->max_connections_per_client, &too_many);
	/* The roster has room for more places than this worker is to have. */
	if (place >= 0 && !is_full(worker) && start_client(worker, fd, address, place) == 0) {
		count(worker, COUNT_ACCEPTED);
		return;
	}
	if (place >= 0)
		roster_leave(worker->heritage->roster, worker->world.worker, place);
	count(worker, too_many ? COUNT_DENIED : COUNT_BUSY);
	door_refuse(&worker->door, fd, too_many ? reply_denied() : reply_busy(), now_ms);
}

/* Takes one client from a listener; false when nobody waits there. */
static bool
accept_one(struct worker *worker, int listener)
{
	struct address address;
	int64_t now_ms = clock_mono_ms();
	int fd = door_accept(&worker->door, listener, &address, now_ms);
	if (fd == DOOR_NONE)
		return false;
	if (fd == DOOR_REFUSED)
		count(worker, COUNT_BUSY);
	else
		admit(worker, fd, &address, now_ms);
	return true;
}

static bool
all_workers_full(const struct worker *worker)
{
	const struct roster *roster = worker->heritage->roster;
	for (int64_t i = 0; i < worker->heritage->settings->workers; i++) {
		if (roster_clients(roster, (size_t)i) < worker->capacity)
			return false;
	}
	return true;
}

/*
 * This worker has been full for BUSY_WAIT_MS.  Clients that still wait are refused when the others
 * are full too, or when none has taken them for another tick.
 */
static void
refuse_waiting(struct worker *worker)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	bool waiting = false;
	for (size_t i = 0; i < listeners->count; i++) {
		struct pollfd listener = {.fd = listeners->items[i].fd, .events = POLLIN};
		if (poll(&listener, 1, 0) <= 0)
			continue;
		waiting = true;
		bool refuse = worker->waited_busy || all_workers_full(worker);
		while (refuse && is_full(worker) && accept_one(worker, listener.fd))
			continue;
	}
	worker->waited_busy = waiting;
}

/*
 * What silent clients have freed lies between what all clients keep, so the heap alone never
 * shrinks.  Looking for it stops other threads for a moment: once in a while, all at once.
 */
static void
trim_memory(struct worker *worker, int64_t now_ms)
{
	if (now_ms < worker->trim_at_ms || !atomic_exchange(&worker->cooled, false))
		return;
	malloc_trim(0);
	worker->trim_at_ms = now_ms + TRIM_MS;
}

static void
update_title(struct worker *worker)
{
	size_t clients = atomic_load(&worker->threads);
	if (clients == worker->titled)
		return;
	worker->titled = clients;
	setproctitle("worker %zu: %zu client%s", worker->world.worker + 1, clients,
		clients == 1 ? "" : "s");
}

static int
shorter(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Whether the supervisor has said so, or is gone, or somebody sent TERM. */
static bool
told_to_drain(const struct worker *worker)
{
	return worker->polls[POLL_CHANNEL].revents != 0 || worker->polls[POLL_SIGNALS].revents != 0;
}

static void
prepare_polls(struct worker *worker, bool accepting)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	worker->polls[POLL_CHANNEL] = (struct pollfd){.fd = worker->channel, .events = POLLIN};
	worker->polls[POLL_SIGNALS] = (struct pollfd){.fd = worker->signals, .events = POLLIN};
	worker->polls[POLL_WAKEUP] = (struct pollfd){.fd = worker->wakeup, .events = POLLIN};
	for (size_t i = 0; i < listeners->count; i++)
		worker->polls[POLL_LISTENERS + i] = (struct pollfd){
			.fd = accepting ? listeners->items[i].fd : -1, .events = POLLIN};
}

static void
accept_clients(struct worker *worker)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	int64_t full_since_ms = -1;
	for (;;) {
		int64_t now_ms = clock_mono_ms();
		bool full = is_full(worker);
		bool paused = worker->door.paused_until_ms > now_ms;
		if (!full)
			full_since_ms = -1, worker->waited_busy = false;
		else if (full_since_ms < 0)
			full_since_ms = now_ms;
		prepare_polls(worker, !full && !paused);
		int timeout = shorter(door_tick(&worker->door, now_ms),
			shorter(full ? BUSY_WAIT_MS : -1, worker->titled > 0 ? TITLE_MS : -1));
		if (poll(worker->polls, POLL_LISTENERS + listeners->count, timeout) < 0)
			continue;
		if (told_to_drain(worker))
			return;
		eventfd_t left;
		if (worker->polls[POLL_WAKEUP].revents != 0)
			eventfd_read(worker->wakeup, &left);
		if (full && is_full(worker) && clock_mono_ms() - full_since_ms >= BUSY_WAIT_MS) {
			refuse_waiting(worker);
			full_since_ms = clock_mono_ms();
		}
		/* One client a round and listener: the rest is left to the other workers. */
		for (size_t i = 0; i < listeners->count; i++) {
			if (worker->polls[POLL_LISTENERS + i].revents != 0 && !is_full(worker))
				accept_one(worker, listeners->items[i].fd);
		}
		update_title(worker);
		trim_memory(worker, now_ms);
	}
}

/* Clients whose connections the kernel has completed may have sent lines already: they count as
 * received. */
static void
accept_rest(struct worker *worker)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	for (size_t i = 0; i < listeners->count; i++) {
		while (!is_full(worker) && accept_one(worker, listeners->items[i].fd))
			continue;
	}
}

static void
drain(struct worker *worker)
{
	setproctitle("worker %zu: draining", worker->world.worker + 1);
	accept_rest(worker);
	listener_close(worker->heritage->listeners);
	atomic_store(&worker->draining, true);
	struct client *client;
	pthread_mutex_lock(&worker->lock);
	LIST_FOREACH (client, &worker->clients, link)
		stream_stop_reading(&client->conn.stream);
	pthread_mutex_unlock(&worker->lock);
	struct pollfd wakeup = {.fd = worker->wakeup, .events = POLLIN};
	while (atomic_load(&worker->threads) > 0) {
		eventfd_t left;
		if (poll(&wakeup, 1, DRAIN_POLL_MS) > 0)
			eventfd_read(worker->wakeup, &left);
		door_tick(&worker->door, clock_mono_ms());
	}
}

static int
open_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
open_descriptors(struct worker *worker)
{
	worker->signals = open_signals();
	worker->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	worker->polls = calloc(
		POLL_LISTENERS + worker->heritage->listeners->count, sizeof *worker->polls);
	if (worker->signals < 0 || worker->wakeup < 0 || worker->polls == NULL)
		return -1;
	return door_open(&worker->door);
}

/* Memory of many threads: few arenas, and large blocks go back to the kernel when freed. */
static void
set_up_memory(void)
{
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

static void
set_up(struct worker *worker, const struct worker_heritage *heritage, size_t index)
{
	worker->heritage = heritage;
	worker->world = (struct conn_world){
		.worker = index,
		.settings = heritage->settings,
		.limiter = heritage->limiter,
		.scoreboard = heritage->scoreboard,
		.draining = &worker->draining,
		.cooled = &worker->cooled,
	};
	worker->titled = SIZE_MAX;
	LIST_INIT(&worker->clients);
	pthread_mutex_init(&worker->lock, NULL);
	pthread_attr_init(&worker->thread_attributes);
	pthread_attr_setdetachstate(&worker->thread_attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&worker->thread_attributes, CLIENT_STACK_BYTES);
}

/* Opens the journal, unless nothing is to be stored; *status becomes a sysexits word for the
 * supervisor. */
static int
open_journal(struct worker *worker, unsigned char *status)
{
	const struct settings *settings = worker->heritage->settings;
	if (!settings->policy.persist)
		return 0;
	const struct journal_target target = {.dir = settings->log_dir,
		.name = settings->log_filename,
		.sync = settings->log_sync};
	int open_error = 0;
	worker->world.journal = journal_new(&target, worker->heritage->mark, &open_error);
	*status = open_error != 0 ? EX_CANTCREAT : EX_OK;
	return worker->world.journal == NULL ? -1 : 0;
}

/*
 * Clients beyond the descriptors wait for another worker to take them, like those beyond the
 * threads.  A new descriptor is the lowest that is free: nearly all below it are in use.
 */
static size_t
find_capacity(const struct worker *worker)
{
	size_t threads = (size_t)worker->heritage->settings->threads_per_worker;
	struct rlimit limit;
	int lowest = fcntl(worker->channel, F_DUPFD_CLOEXEC, 0);
	if (lowest >= 0)
		close(lowest);
	if (lowest < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return threads;
	rlim_t used = (rlim_t)lowest + SPARE_DESCRIPTORS;
	rlim_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 1;
	return left < threads ? (size_t)left : threads;
}

int
worker_main(const void *heritage, size_t index, int channel)
{
	struct worker worker = {.channel = channel};
	unsigned char status = EX_OK;
	set_up_memory();
	set_up(&worker, heritage, index);
	roster_bury(worker.heritage->roster, index);
	if (open_descriptors(&worker) < 0 || open_journal(&worker, &status) < 0) {
		errlog_error("worker %zu cannot start: %s", index + 1, strerror(errno));
		return EX_OSERR;
	}
	worker.capacity = find_capacity(&worker);
	update_title(&worker);
	/* A log that cannot be opened is the supervisor's to judge: fatal at the start, to be borne
	 * later. */
	if (worker.heritage->in_service != NULL)
		worker.heritage->in_service(worker.heritage->context);
	if (send(channel, &status, 1, MSG_NOSIGNAL) == 1)
		accept_clients(&worker);
	drain(&worker);
	if (worker.world.journal != NULL)
		journal_free(worker.world.journal);
	door_close(&worker.door);
	free(worker.polls);
	return EX_OK;
}

bool
worker_left_trace(const void *heritage)
{
	return mark_any(((const struct worker_heritage *)heritage)->mark);
}

int
worker_clean_up(const void *heritage, size_t index, int channel)
{
	struct worker worker = {.channel = channel};
	unsigned char status = EX_OK;
	set_up(&worker, heritage, index);
	/* Who opens the file puts its end in order. */
	if (open_journal(&worker, &status) < 0)
		return EX_OSERR;
	if (worker.world.journal != NULL)
		journal_free(worker.world.journal);
	return status;
}
