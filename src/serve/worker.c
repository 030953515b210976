/* SPDX-License-Identifier: ISC */
/*
 * A worker's main thread: it follows orders, keeps the process title true, retires and drains.  Who is
 * let in stands in reception.c, the clients' threads in clients.c, what they do in conn.c.
 */
#include "serve/worker.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
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
#include "guard/sandbox.h"
#include "net/orders.h"
#include "serve/clients.h"
#include "serve/reception.h"
#include "serve/usage.h"
#include "serve/worklog.h"

enum {
	TITLE_MS = 1000, /* between two looks at what may have changed silently */
	TRIM_MS = 2000,  /* least time between two looks for memory that nobody uses */
	LEAVE_POLL_MS = 50,
	SPARE_DESCRIPTORS = 8, /* to open the log anew, and to refuse */
};

struct worker {
	const struct worker_heritage *heritage;
	struct settings settings; /* as they were at the start: what `new workers` are made of */
	struct view_desk desk;    /* as they are in force */
	struct conn_world world;
	struct batches batches;
	struct clients clients;
	struct reception reception;
	struct worklog worklog;
	struct pollfd *polls;
	int channel; /* to the supervisor */
	int signals; /* signalfd: TERM */
	atomic_bool draining, leaving;
	atomic_bool
		cooled; /* memory was given back to the heap, where the kernel does not see it */
	int64_t trim_at_ms, shown_ms;
	size_t titled; /* the number of clients that the title tells */
};

enum { POLL_CHANNEL, POLL_SIGNALS, POLL_WAKEUP, POLL_LISTENERS };

static void
set_state(const struct worker *worker, enum slot_state state)
{
	scoreboard_set_state(worker->world.scoreboard, worker->world.worker, state);
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
	if (now_ms < worker->trim_at_ms)
		return;
	worker->trim_at_ms = now_ms + TRIM_MS;
	bool freed = batches_trim(&worker->batches);
	freed |= atomic_exchange(&worker->cooled, false);
	if (freed)
		malloc_trim(0);
}

/* Waits for orders, for a client to leave where that matters, and for what stands behind them in the polls. */
static void
wait_for_events(struct worker *worker, size_t listeners, int timeout_ms)
{
	struct pollfd *polls = worker->polls;
	size_t count = POLL_LISTENERS + listeners;
	polls[POLL_CHANNEL] = (struct pollfd){.fd = worker->channel, .events = POLLIN};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = worker->signals, .events = POLLIN};
	polls[POLL_WAKEUP] = (struct pollfd){.fd = worker->clients.wakeup, .events = POLLIN};
	if (poll(polls, count, timeout_ms) < 0) {
		for (size_t i = 0; i < count; i++)
			polls[i].revents = 0;
	}
	eventfd_t left;
	if (polls[POLL_WAKEUP].revents != 0)
		eventfd_read(worker->clients.wakeup, &left);
}

/* How long the loop may wait: less, while something may change without an event. */
static int
wait_ms(struct worker *worker)
{
	bool watched = worker->titled > 0 || worker->worklog.behind ||
	               batches_any(&worker->batches);
	int beat_ms = worker->settings.scoreboard_file[0] != '\0' ? SCOREBOARD_BEAT_MS : -1;
	return clock_shorter_ms(reception_tick(&worker->reception),
		clock_shorter_ms(watched ? TITLE_MS : -1, beat_ms));
}

static void
show_life(struct worker *worker)
{
	int64_t now_ms = clock_mono_ms();
	scoreboard_beat_slot(worker->world.scoreboard, worker->world.worker, now_ms);
	usage_show(worker->world.scoreboard, worker->world.worker, now_ms, &worker->shown_ms);
}

/* What is looked after in each round. */
static void
keep_house(struct worker *worker, const char *doing)
{
	show_life(worker);
	update_title(worker, doing);
	clients_reap(&worker->clients);
	trim_memory(worker, clock_mono_ms());
	worklog_report(&worker->worklog);
}

/* New settings are about to hold: called by whoever sees them first. */
static void
settings_changed(void *context, const struct settings *settings)
{
	struct worker *worker = context;
	errlog_set_level((enum errlog_level)settings->error_log_level);
	worklog_follow(&worker->worklog, settings);
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
			worklog_reopen(&worker->worklog);
	}
	return ORDERS_NONE;
}

/* Has this worker served as many connections as it may? */
static bool
is_worn_out(const struct worker *worker)
{
	int64_t most = worker->settings.max_connections_per_worker;
	return most > 0 && worker->reception.accepted >= most;
}

/* Until somebody can take its place it accepts on: no client is to wait for that. */
static bool
ask_for_relief(const struct worker *worker)
{
	static const unsigned char worn_out = WORKER_WORN_OUT;
	return send(worker->channel, &worn_out, 1, MSG_NOSIGNAL) == 1;
}

/* Accepts clients until it is told that this is over; returns the order. */
static int
accept_clients(struct worker *worker)
{
	struct pollfd *listeners = worker->polls + POLL_LISTENERS;
	bool asked = false;
	for (;;) {
		reception_prepare(&worker->reception, listeners);
		wait_for_events(worker, worker->heritage->listeners->count, wait_ms(worker));
		int order = follow_orders(worker);
		if (order != ORDERS_NONE)
			return order;
		reception_round(&worker->reception, listeners);
		keep_house(worker, "");
		if (!asked && is_worn_out(worker))
			asked = ask_for_relief(worker);
	}
}

/* Accepts nobody any more and serves the clients to their end; returns ORDER_DRAIN if told so before that. */
static int
retire(struct worker *worker)
{
	set_state(worker, SLOT_RETIRING);
	if (!is_worn_out(worker))
		reception_accept_waiting(&worker->reception);
	listener_close(worker->heritage->listeners);
	atomic_store(&worker->leaving, true);
	worker->titled = SIZE_MAX;
	int order = ORDERS_NONE;
	while (clients_count(&worker->clients) > 0 && order != ORDER_DRAIN) {
		keep_house(worker, "retiring, ");
		wait_for_events(worker, 0, wait_ms(worker));
		order = follow_orders(worker);
	}
	return order;
}

/* The supervisor kills who is not ready by the deadline; where it is gone, nobody else would, nor does anybody forward. */
static void
check_supervisor(const struct worker *worker, int64_t deadline_ms)
{
	struct pollfd channel = {.fd = worker->channel};
	if (poll(&channel, 1, 0) <= 0)
		return;
	shipping_end(scoreboard_shipping(worker->heritage->shared->board));
	if (clock_mono_ms() < deadline_ms)
		return;
	errlog_warn("GracefulShutdownTimeout has passed, worker %zu ends without its supervisor",
		worker->world.worker + 1);
	raise(SIGKILL);
}

static int64_t
graceful_ms(struct worker *worker)
{
	const struct view *view = view_get(&worker->desk);
	int64_t timeout_ms = view->settings.graceful_shutdown_timeout_s * 1000;
	view_put(&worker->desk, view);
	return timeout_ms;
}

/* Sees to it that all that has arrived is answered, and waits for the clients' threads. */
static void
drain(struct worker *worker)
{
	setproctitle("worker %zu: draining", worker->world.worker + 1);
	set_state(worker, SLOT_DRAINING);
	reception_accept_waiting(&worker->reception);
	listener_close(worker->heritage->listeners);
	atomic_store(&worker->leaving, true);
	atomic_store(&worker->draining, true);
	clients_stop_reading(&worker->clients);
	struct pollfd wakeup = {.fd = worker->clients.wakeup, .events = POLLIN};
	int64_t deadline_ms = clock_mono_ms() + graceful_ms(worker);
	while (clients_count(&worker->clients) > 0) {
		eventfd_t left;
		show_life(worker);
		if (poll(&wakeup, 1, LEAVE_POLL_MS) > 0)
			eventfd_read(worker->clients.wakeup, &left);
		reception_tick(&worker->reception);
		check_supervisor(worker, deadline_ms);
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

/*
 * Threads that wake up do not push others off the processor: it would often be the one that all wait for, with the
 * log's lock.  Whoever has chosen another policy for the daemon keeps it.
 */
static void
set_up_scheduling(void)
{
	const struct sched_param none = {0};
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
set_up_world(struct worker *worker, size_t slot)
{
	worker->world.worker = slot;
	worker->world.desk = &worker->desk;
	worker->world.limiter = worker->heritage->shared->limiter;
	worker->world.denied = worker->heritage->shared->denied;
	worker->world.roster = worker->heritage->shared->roster;
	worker->world.scoreboard = worker->heritage->shared->board;
	worker->world.draining = &worker->draining;
	worker->world.leaving = &worker->leaving;
	worker->world.cooled = &worker->cooled;
	worker->world.batches = &worker->batches;
	worker->world.tls = *worker->heritage->tls;
	batches_init(&worker->batches);
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

/* Opens the log; *status becomes a sysexits word for the supervisor when that fails. */
static int
open_log(struct worker *worker, unsigned char *status)
{
	int error = worklog_open(
		&worker->worklog, &worker->world, &worker->heritage->store, &worker->settings);
	*status = error != 0 ? EX_CANTCREAT : EX_OK;
	if (error == 0)
		return 0;
	/* Each for itself: who has told it for all may be killed before it has. */
	errlog_error("worker %zu starts without its log %s/%s: %s", worker->world.worker + 1,
		worker->settings.log_dir, worker->settings.log_filename, strerror(error));
	if (worker->world.journal != NULL)
		return 0;
	errno = error;
	return -1;
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
	if (worker->signals < 0 || worker->polls == NULL ||
		view_open(&worker->desk, shared->settings, settings_changed, worker) < 0)
		return -1;
	worker->settings = worker->desk.current->settings;
	/* Before the log is opened: what a reload may ask for shows at the start, and there is no thread yet. */
	sandbox_enter(SANDBOX_WORKER, worker->settings.sandbox != 0, slot == 0);
	if (open_log(worker, status) < 0)
		return -1;
	scoreboard_set_settings(shared->board, slot, worker->desk.current->generation);
	size_t most = find_capacity(worker);
	if (clients_init(&worker->clients, &worker->world, shared->roster, most) < 0)
		return -1;
	scoreboard_set_most_clients(shared->board, slot, most);
	return reception_open(&worker->reception, &worker->world, shared,
		worker->heritage->listeners, &worker->clients);
}

static void
tear_down(struct worker *worker)
{
	reception_close(&worker->reception);
	clients_fini(&worker->clients);
	batches_fini(&worker->batches);
	worklog_close(&worker->worklog);
	view_close(&worker->desk);
	free(worker->polls);
}

/* A process of its own: what a failed start leaves open, its end frees. */
int
worker_main(const void *heritage, size_t slot, int channel)
{
	struct worker worker = {.heritage = heritage, .channel = channel, .titled = SIZE_MAX};
	unsigned char status = EX_OK;
	set_up_memory();
	set_up_scheduling();
	if (set_up(&worker, slot, &status) < 0) {
		errlog_error("worker %zu cannot start: %s", slot + 1, strerror(errno));
		free(worker.polls);
		return EX_OSERR;
	}
	set_state(&worker, SLOT_SERVING);
	show_life(&worker);
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

int
worker_try_log(const void *settings)
{
	return worklog_try(settings);
}

/* Who opens the file puts its end in order.  The notes are the workers' user's, who may have spoiled them: only a child looks. */
int
worker_clean_up(const void *heritage, size_t slot, int channel)
{
	struct worker worker = {.heritage = heritage, .channel = channel};
	unsigned char status = EX_OK;
	if (!mark_any(worker.heritage->store.mark))
		return EX_OK;
	if (set_up(&worker, slot, &status) < 0) {
		free(worker.polls);
		return EX_OSERR;
	}
	tear_down(&worker);
	return status;
}
