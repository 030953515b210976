/* SPDX-License-Identifier: ISC */
/* The monitor's loop: orders, requests, the end of an interval. */
#include "monitor/monitor.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/order.h"
#include "guard/sandbox.h"
#include "monitor/http.h"
#include "net/orders.h"

enum { NICE = 10, INTERVAL_MS = HISTORY_INTERVAL_S * 1000 };

struct monitor {
	const struct monitor_heritage *heritage;
	int channel;
	int64_t told_ms; /* when the supervisor was told that we live */
	struct watch watch;
	struct http *servers; /* as many as there are sockets: a name may have several addresses */
	struct pollfd *polls; /* the channel, then theirs */
};

/* What it reads it cannot change, and no client waits for a processor that it has. */
static void
give_up_powers(const struct shared *shared)
{
	const struct sched_param none = {0};
	/* One that stands still does not see that its supervisor is gone, and keeps the address from the next daemon. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (mprotect(shared->memory, shared->size, PROT_READ) < 0)
		errlog_warn("monitor: cannot map its memory read-only: %s", strerror(errno));
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
give_sign_of_life(struct monitor *monitor)
{
	static const char alive;
	int64_t now_ms = clock_mono_ms();
	if (now_ms - monitor->told_ms < INTERVAL_MS)
		return;
	monitor->told_ms = now_ms;
	(void)send(monitor->channel, &alive, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Whether to go on. */
static bool
follow_orders(struct monitor *monitor)
{
	int order, fd;
	while ((order = orders_next(monitor->channel, &fd)) != ORDERS_NONE) {
		const struct settings *settings = watch_settings(&monitor->watch);
		if (order == ORDER_DRAIN || order == ORDER_RETIRE)
			return false;
		errlog_set_level((enum errlog_level)settings->error_log_level);
		if (fd >= 0)
			errlog_adopt(fd);
		else if (order == ORDER_SETTINGS)
			errlog_open(settings->error_log);
	}
	return true;
}

static size_t
sockets(const struct monitor *monitor)
{
	return monitor->heritage->status->count;
}

/* 0, or -1 with errno. */
static int
open_servers(struct monitor *monitor)
{
	monitor->servers = calloc(sockets(monitor), sizeof *monitor->servers);
	monitor->polls = calloc(1 + sockets(monitor), sizeof *monitor->polls);
	if (monitor->servers == NULL || monitor->polls == NULL)
		return -1;
	monitor->polls[0] = (struct pollfd){.fd = monitor->channel, .events = POLLIN};
	for (size_t i = 0; i < sockets(monitor); i++) {
		struct http *server = &monitor->servers[i];
		if (http_open(server, monitor->heritage->status->items[i].fd, &monitor->watch) < 0)
			return -1;
		monitor->polls[1 + i] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	}
	return 0;
}

static void
close_servers(struct monitor *monitor)
{
	for (size_t i = 0; monitor->servers != NULL && i < sockets(monitor); i++)
		http_close(&monitor->servers[i]);
	free(monitor->servers);
	free(monitor->polls);
}

static void
serve(struct monitor *monitor)
{
	for (;;) {
		int wait_ms = -1;
		for (size_t i = 0; i < sockets(monitor); i++)
			wait_ms = clock_shorter_ms(wait_ms, http_run(&monitor->servers[i]));
		wait_ms = clock_shorter_ms(wait_ms, watch_run_timers(&monitor->watch));
		give_sign_of_life(monitor);
		if (poll(monitor->polls, 1 + sockets(monitor), wait_ms) > 0 &&
			monitor->polls[0].revents != 0 && !follow_orders(monitor))
			return;
	}
}

int
monitor_main(const void *heritage, size_t index, int channel)
{
	static struct monitor monitor;
	(void)index;
	monitor = (struct monitor){.heritage = heritage, .channel = channel};
	setproctitle("monitor: %s", monitor.heritage->status->items[0].name);
	give_up_powers(monitor.heritage->shared);
	int status = EX_OK;
	if (watch_init(&monitor.watch, monitor.heritage->shared) < 0 ||
		open_servers(&monitor) < 0) {
		errlog_error("the monitor cannot start: %s", strerror(errno));
		status = EX_OSERR;
	} else {
		sandbox_enter(SANDBOX_MONITOR, watch_settings(&monitor.watch)->sandbox != 0, false);
		monitor.heritage->in_service(monitor.heritage->context);
		serve(&monitor);
	}
	close_servers(&monitor);
	watch_fini(&monitor.watch);
	return status;
}
