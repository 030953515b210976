/* SPDX-License-Identifier: ISC */
/*
 * A worker's main thread: it accepts, follows orders, keeps the process title true, and drains.
 * The clients' threads stand in clients.c, what they do in conn.c.
 */
#include "serve/worker.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/order.h"
#include "serve/clients.h"
#include "serve/door.h"
#include "serve/orders.h"

enum {
	BUSY_WAIT_MS = 200, /* how long a full worker leaves a client to the others */
	TITLE_MS = 1000,
	TRIM_MS = 2000, /* least time between two looks for memory that nobody uses */
	LEAVE_POLL_MS = 50,
	SPARE_DESCRIPTORS = 8, /* to open the log anew, and to refuse */
};

struct worker {
	const struct worker_heritage *heritage;
	struct settings settings; /* as they were at the start: what `new workers` are made of */
	struct view_desk desk;    /* as they are in force */
	struct conn_world world;
	struct clients clients;
	struct door door;
	struct pollfd *polls;
	int channel; /* to the supervisor */
	int signals; /* signalfd: TERM */
	atomic_bool draining, leaving;
	atomic_bool
		cooled; /* memory was given back to the heap, where the kernel does not see it */
	int64_t trim_at_ms;
	int64_t full_since_ms; /* -1: it is not */
	bool waited_busy;      /* a client has waited at a full worker for one tick already */
	int64_t accepted;      /* counts for MaxConnectionsPerWorker */
	uint64_t log_reported; /* the log generation that the board tells */
	size_t titled;         /* the number of clients that the title tells */
};

enum { POLL_CHANNEL, POLL_SIGNALS, POLL_WAKEUP, POLL_LISTENERS };

static void
count(const struct worker *worker, enum count what)
{
	scoreboard_add(worker->world.scoreboard, worker->world.worker, what, 1);
}

static void
set_state(const struct worker *worker, enum slot_state state)
{
	scoreboard_set_state(worker->world.scoreboard, worker->world.worker, state);
}

/* A place in the roster for the client, or -1: it has too many, or there is none. */
static int
enter_roster(struct worker *worker, const struct address *address, bool *too_many)
{
	const struct view *view = view_get(&worker->desk);
	struct address key = address_prefix(
		address, (unsigned)view->settings.rate_limit_ipv6_prefix);
	int place = roster_enter(worker->heritage->shared->roster, worker->world.worker, &key,
		(size_t)view->settings.max_connections_per_client, too_many);
	view_put(&worker->desk, view);
	return place;
}

/* Serves or refuses one accepted client. */
static void
admit(struct worker *worker, int fd, const struct address *address, int64_t now_ms)
{
	bool too_many = false;
	int place = -1;
	if (!clients_are_full(&worker->clients))
		place = enter_roster(worker, address, &too_many);
	if (place >= 0 && clients_start(&worker->clients, fd, address, place) == 0) {
		count(worker, COUNT_ACCEPTED);
		worker->accepted++;
		return;
	}
	if (place >= 0)
		roster_leave(worker->heritage->shared->roster, worker->world.worker, place);
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

/* Whether no other worker could take a client either. */
static bool
all_workers_full(const struct worker *worker)
{
	const struct shared *shared = worker->heritage->shared;
	struct scoreboard_slot slot;
	for (size_t i = 0; i < scoreboard_slots(shared->board); i++) {
		if (scoreboard_read_slot(shared->board, i, &slot) && slot.state == SLOT_SERVING &&
			roster_clients(shared->roster, i) < worker->clients.most)
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
		while (refuse && clients_are_full(&worker->clients) &&
			accept_one(worker, listener.fd))
			continue;
	}
	worker->waited_busy = waiting;
}

static void
update_title(struct worker *worker, const char *doing)
{
	size_t clients = clients_count(&worker->clients);
	if (clients == worker->titled)
		return;
	worker->titled = clients;
	setproctitle("worker %zu: %s%zu client%s", worker->world.worker + 1, doing, clients,
		clients == 1 ? "" : "s");
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

static int
shorter(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Waits for orders, for a client to leave where that matters, and with `accepting` for clients. */
static void
wait_for_events(struct worker *worker, bool accepting, int timeout_ms)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	struct pollfd *polls = worker->polls;
	polls[POLL_CHANNEL] = (struct pollfd){.fd = worker->channel, .events = POLLIN};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = worker->signals, .events = POLLIN};
	polls[POLL_WAKEUP] = (struct pollfd){.fd = worker->clients.wakeup, .events = POLLIN};
	for (size_t i = 0; i < listeners->count; i++)
		polls[POLL_LISTENERS + i] = (struct pollfd){
			.fd = accepting ? listeners->items[i].fd : -1, .events = POLLIN};
	if (poll(polls, POLL_LISTENERS + listeners->count, timeout_ms) < 0) {
		for (size_t i = 0; i < POLL_LISTENERS + listeners->count; i++)
			polls[i].revents = 0;
	}
	eventfd_t left;
	if (polls[POLL_WAKEUP].revents != 0)
		eventfd_read(worker->clients.wakeup, &left);
}

static struct journal_target
target_of(const struct settings *settings)
{
	return (struct journal_target){
		.dir = settings->log_dir,
		.name = settings->log_filename,
		.sync = settings->log_sync,
		.rotate_bytes = settings->log_rotate_bytes,
		.rotate_keep = settings->log_rotate_keep,
	};
}

/* With a journal, as soon as something is to be stored.  0 or an errno. */
static int
open_journal(struct worker *worker, const struct settings *settings)
{
	const struct journal_target target = target_of(settings);
	int error = 0;
	worker->world.journal = journal_new(&target, worker->heritage->shared->mark, &error);
	return worker->world.journal == NULL ? errno : error;
}

/* New settings are about to hold: called by whoever sees them first. */
static void
settings_changed(void *context, const struct settings *settings)
{
	struct worker *worker = context;
	const struct journal_target target = target_of(settings);
	errlog_set_level((enum errlog_level)settings->error_log_level);
	if (!settings->policy.persist)
		return;
	if (worker->world.journal == NULL)
		open_journal(worker, settings);
	else if (journal_retarget(worker->world.journal, &target) < 0)
		errlog_error("cannot change the log's target: %s", strerror(errno));
}

static void
follow_settings(struct worker *worker, int errlog)
{
	const struct view *view = view_get(&worker->desk);
	if (errlog < 0)
		errlog_open(view->settings.error_log);
	scoreboard_set_settings(worker->world.scoreboard, worker->world.worker, view->generation);
	view_put(&worker->desk, view);
}

/* Tells how far the journal has come: also one that could not open its file when it was asked to. */
static void
report_log(struct worker *worker, uint64_t asked)
{
	struct journal *journal = worker->world.journal;
	uint64_t reached = journal == NULL ? asked : journal_generation(journal);
	if (reached < asked)
		scoreboard_set_log(worker->world.scoreboard, worker->world.worker, asked, EIO);
	else if (worker->log_reported != reached)
		scoreboard_set_log(worker->world.scoreboard, worker->world.worker, reached, 0);
	worker->log_reported = reached;
}

static void
reopen_log(struct worker *worker)
{
	struct board_info info;
	struct journal *journal = worker->world.journal;
	scoreboard_info(worker->world.scoreboard, &info);
	if (journal != NULL)
		journal_reopen(journal, info.log_generation);
	report_log(worker, info.log_generation);
}

/* Follows all orders that have come.  Returns ORDER_DRAIN or ORDER_RETIRE if it was one, else ORDERS_NONE. */
static int
follow_orders(struct worker *worker)
{
	int order, fd;
	if (worker->polls[POLL_SIGNALS].revents != 0)
		return ORDER_DRAIN;
	if (worker->polls[POLL_CHANNEL].revents == 0)
		return ORDERS_NONE;
	while ((order = orders_next(worker->channel, &fd)) != ORDERS_NONE) {
		if (fd >= 0)
			errlog_adopt(fd);
		if (order == ORDER_DRAIN || order == ORDER_RETIRE)
			return order;
		if (order == ORDER_SETTINGS)
			follow_settings(worker, fd);
		else if (order == ORDER_REOPEN)
			reopen_log(worker);
	}
	return ORDERS_NONE;
}

/* Whether the worker is full, and since when. */
static bool
note_fullness(struct worker *worker, int64_t now_ms)
{
	if (!clients_are_full(&worker->clients)) {
		worker->full_since_ms = -1;
		worker->waited_busy = false;
		return false;
	}
	if (worker->full_since_ms < 0)
		worker->full_since_ms = now_ms;
	return true;
}

/* One round of accepting: one client a listener, the rest is left to the other workers. */
static void
accept_round(struct worker *worker)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	int64_t now_ms = clock_mono_ms();
	if (note_fullness(worker, now_ms) && now_ms - worker->full_since_ms >= BUSY_WAIT_MS) {
		refuse_waiting(worker);
		worker->full_since_ms = clock_mono_ms();
	}
	for (size_t i = 0; i < listeners->count; i++) {
		if (worker->polls[POLL_LISTENERS + i].revents != 0 &&
			!clients_are_full(&worker->clients))
			accept_one(worker, listeners->items[i].fd);
	}
}

/* Has this worker served as many connections as it may? */
static bool
is_worn_out(const struct worker *worker)
{
	int64_t most = worker->settings.max_connections_per_worker;
	return most > 0 && worker->accepted >= most;
}

/* Accepts clients until it is told, or has itself found, that this is over; returns the order. */
static int
accept_clients(struct worker *worker)
{
	static const unsigned char retires = WORKER_RETIRES;
	for (;;) {
		int64_t now_ms = clock_mono_ms();
		bool full = note_fullness(worker, now_ms);
		bool paused = worker->door.paused_until_ms > now_ms;
		int timeout_ms = shorter(door_tick(&worker->door, now_ms),
			shorter(full ? BUSY_WAIT_MS : -1, worker->titled > 0 ? TITLE_MS : -1));
		wait_for_events(worker, !full && !paused, timeout_ms);
		int order = follow_orders(worker);
		if (order != ORDERS_NONE)
			return order;
		accept_round(worker);
		update_title(worker, "");
		report_log(worker, 0);
		trim_memory(worker, now_ms);
		if (is_worn_out(worker)) {
			send(worker->channel, &retires, 1, MSG_NOSIGNAL);
			return ORDER_RETIRE;
		}
	}
}

/*
 * Clients whose connections the kernel has completed may have sent lines already, and a listener that is
 * closed for good takes them along.  No more than can have waited.
 */
static void
accept_waiting(struct worker *worker)
{
	const struct listener_set *listeners = worker->heritage->listeners;
	for (size_t i = 0; i < listeners->count; i++) {
		int64_t most = worker->settings.listen_backlog + 1;
		while (!clients_are_full(&worker->clients) && most-- > 0 &&
			accept_one(worker, listeners->items[i].fd))
			continue;
	}
}

/* Accepts nobody any more and serves the clients to their end; returns ORDER_DRAIN if told so before that. */
static int
retire(struct worker *worker)
{
	set_state(worker, SLOT_RETIRING);
	if (!is_worn_out(worker))
		accept_waiting(worker);
	listener_close(worker->heritage->listeners);
	atomic_store(&worker->leaving, true);
	worker->titled = SIZE_MAX;
	int order = ORDERS_NONE;
	while (clients_count(&worker->clients) > 0 && order != ORDER_DRAIN) {
		update_title(worker, "retiring, ");
		report_log(worker, 0);
		wait_for_events(worker, false,
			shorter(TITLE_MS, door_tick(&worker->door, clock_mono_ms())));
		order = follow_orders(worker);
	}
	return order;
}

/* Sees to it that all that has arrived is answered, and waits for the clients' threads. */
static void
drain(struct worker *worker)
{
	setproctitle("worker %zu: draining", worker->world.worker + 1);
	set_state(worker, SLOT_DRAINING);
	accept_waiting(worker);
	listener_close(worker->heritage->listeners);
	atomic_store(&worker->leaving, true);
	atomic_store(&worker->draining, true);
	clients_stop_reading(&worker->clients);
	struct pollfd wakeup = {.fd = worker->clients.wakeup, .events = POLLIN};
	while (clients_count(&worker->clients) > 0) {
		eventfd_t left;
		if (poll(&wakeup, 1, LEAVE_POLL_MS) > 0)
			eventfd_read(worker->clients.wakeup, &left);
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

/* Memory of many threads: few arenas, and large blocks go back to the kernel when freed. */
static void
set_up_memory(void)
{
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

/* Opens the log; *status becomes a sysexits word for the supervisor when that fails. */
static int
open_log(struct worker *worker, unsigned char *status)
{
	struct board_info info;
	int error = 0;
	scoreboard_info(worker->world.scoreboard, &info);
	if (worker->settings.policy.persist)
		error = open_journal(worker, &worker->settings);
	*status = error != 0 ? EX_CANTCREAT : EX_OK;
	if (error != 0 && worker->world.journal == NULL)
		return errno = error, -1;
	if (worker->world.journal != NULL)
		journal_reopen(worker->world.journal, info.log_generation);
	report_log(worker, info.log_generation);
	return 0;
}

static void
set_up_world(struct worker *worker, size_t slot)
{
	worker->world.worker = slot;
	worker->world.desk = &worker->desk;
	worker->world.limiter = worker->heritage->shared->limiter;
	worker->world.scoreboard = worker->heritage->shared->board;
	worker->world.draining = &worker->draining;
	worker->world.leaving = &worker->leaving;
	worker->world.cooled = &worker->cooled;
}

/*
 * The most clients: ThreadsPerWorker, or what descriptors allow.  Clients beyond that wait for another worker
 * to take them.  A new descriptor is the lowest that is free: nearly all below it are in use.
 */
static size_t
find_capacity(const struct worker *worker)
{
	size_t threads = (size_t)worker->settings.threads_per_worker;
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

/* 0, or -1 with errno. */
static int
set_up(struct worker *worker, size_t slot, unsigned char *status)
{
	const struct shared *shared = worker->heritage->shared;
	set_up_world(worker, slot);
	worker->signals = open_signals();
	worker->polls = calloc(
		POLL_LISTENERS + worker->heritage->listeners->count, sizeof *worker->polls);
	if (worker->signals < 0 || worker->polls == NULL || door_open(&worker->door) < 0 ||
		view_open(&worker->desk, shared->settings, settings_changed, worker) < 0)
		return -1;
	worker->settings = worker->desk.current->settings;
	if (open_log(worker, status) < 0)
		return -1;
	scoreboard_set_settings(shared->board, slot, worker->desk.current->generation);
	return clients_init(
		&worker->clients, &worker->world, shared->roster, find_capacity(worker));
}

static void
tear_down(struct worker *worker)
{
	clients_fini(&worker->clients);
	if (worker->world.journal != NULL)
		journal_free(worker->world.journal);
	view_close(&worker->desk);
	door_close(&worker->door);
	free(worker->polls);
}

/* A process of its own: what a failed start leaves open, its end frees. */
int
worker_main(const void *heritage, size_t slot, int channel)
{
	struct worker worker = {
		.heritage = heritage, .channel = channel, .full_since_ms = -1, .titled = SIZE_MAX};
	unsigned char status = EX_OK;
	set_up_memory();
	if (set_up(&worker, slot, &status) < 0) {
		errlog_error("worker %zu cannot start: %s", slot + 1, strerror(errno));
		return EX_OSERR;
	}
	set_state(&worker, SLOT_SERVING);
	update_title(&worker, "");
	/* A log that cannot be opened is the supervisor's to judge: fatal at the start, to be borne later. */
	int order = ORDER_DRAIN;
	worker.heritage->in_service(worker.heritage->context);
	if (send(channel, &status, 1, MSG_NOSIGNAL) == 1)
		order = accept_clients(&worker);
	if (order == ORDER_RETIRE)
		order = retire(&worker);
	if (order == ORDER_DRAIN)
		drain(&worker);
	tear_down(&worker);
	return EX_OK;
}

bool
worker_left_trace(const void *heritage)
{
	return mark_any(((const struct worker_heritage *)heritage)->shared->mark);
}

/* Who opens the file puts its end in order. */
int
worker_clean_up(const void *heritage, size_t slot, int channel)
{
	struct worker worker = {.heritage = heritage, .channel = channel};
	unsigned char status = EX_OK;
	if (set_up(&worker, slot, &status) < 0)
		return EX_OSERR;
	tear_down(&worker);
	return status;
}
