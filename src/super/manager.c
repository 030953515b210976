/* SPDX-License-Identifier: ISC */
/* Tells the service manager, one datagram for each state. */
#include "super/manager.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

enum { FIGURES_MS = 5000, SHORTEST_MS = 10, TEXT_MAX = 512 };

static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};

/* Milliseconds, or 0 when it wants no sign of life from this process. */
static int64_t
read_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	const char *wrong = NULL;
	if (usec == NULL || (pid != NULL && strtonum(pid, 1, INT_MAX, &wrong) != getpid()))
		return 0;
	long long value = strtonum(usec, 1, LLONG_MAX, &wrong);
	return wrong != NULL ? 0 : value < 1000 ? 1 : value / 1000;
}

/* A path, or @ and a name that is not in the file system. */
static int
set_address(struct manager *manager, const char *path)
{
	size_t len = strlen(path);
	if (path[0] != '/' && path[0] != '@') {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (len >= sizeof manager->address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	manager->address.sun_family = AF_UNIX;
	memcpy(manager->address.sun_path, path, len);
	if (path[0] == '@')
		manager->address.sun_path[0] = '\0';
	manager->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

static int
open_socket(struct manager *manager, const char *path)
{
	const struct timeval longest = {.tv_sec = 1};
	if (set_address(manager, path) < 0)
		return -1;
	manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager->fd < 0)
		return -1;
	setsockopt(manager->fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
	return 0;
}

int
manager_init(struct manager *manager)
{
	*manager = (struct manager){.fd = -1};
	const char *path = getenv("NOTIFY_SOCKET");
	int result = 0;
	if (path != NULL) {
		manager->watchdog_ms = read_watchdog();
		result = open_socket(manager, path);
	}
	int saved = errno;
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		unsetenv(variables[i]);
	errno = saved;
	return result;
}

/* There is nobody else to tell when this fails. */
static void __attribute__((format(printf, 3, 4)))
tell(const struct manager *manager, int flags, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	if (manager->fd < 0)
		return;
	va_start(args, format);
	int len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (len > 0 && len < (int)sizeof text)
		sendto(manager->fd, text, (size_t)len, flags | MSG_NOSIGNAL,
			(const struct sockaddr *)&manager->address, manager->address_len);
}

void
manager_ready(struct manager *manager)
{
	tell(manager, 0, "READY=1");
	manager->told_ms = 0; /* the figures are due: what was told before does not hold any more */
}

void
manager_reloading(const struct manager *manager)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	tell(manager, 0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
manager_stopping(const struct manager *manager, int64_t within_s)
{
	tell(manager, 0,
		"STOPPING=1\nSTATUS=Answering what has arrived\nEXTEND_TIMEOUT_USEC=%" PRId64,
		within_s * 1000000);
}

static size_t
count_clients(const struct shared *shared)
{
	struct scoreboard_slot slot;
	size_t clients = 0;
	for (size_t i = 0; i < shared->slots; i++) {
		if (scoreboard_read_slot(shared->board, i, &slot))
			clients += slot.clients;
	}
	return clients;
}

static void
tell_figures(struct manager *manager, const struct shared *shared, int64_t now_ms)
{
	struct scoreboard_totals totals = scoreboard_totals(shared->board, shared->slots);
	const uint64_t *counts = totals.counts;
	uint64_t lines = counts[COUNT_LINES] - manager->told_lines;
	size_t clients = count_clients(shared);
	int64_t passed_ms = manager->told_ms == 0 ? 0 : now_ms - manager->told_ms;
	tell(manager, MSG_DONTWAIT,
		"WATCHDOG=1\n"
		"STATUS=%zu client%s, %" PRIu64 " lines/s; %" PRIu64 " lines: %" PRIu64
		" received, %" PRIu64 " limited, %" PRIu64 " failed",
		clients, clients == 1 ? "" : "s",
		passed_ms > 0 ? lines * 1000 / (uint64_t)passed_ms : 0, counts[COUNT_LINES],
		counts[VERDICT_RECEIVED], counts[VERDICT_LIMITED], counts[VERDICT_FAILED]);
	manager->told_lines = counts[COUNT_LINES];
	manager->told_ms = now_ms;
}

/* Twice as often as it wants to hear, as sd_watchdog_enabled(3) advises, but do not do nothing else. */
static int64_t
how_often(const struct manager *manager)
{
	int64_t half_ms = manager->watchdog_ms / 2;
	if (manager->watchdog_ms == 0 || half_ms > FIGURES_MS)
		return FIGURES_MS;
	return half_ms < SHORTEST_MS ? SHORTEST_MS : half_ms;
}

int
manager_run_timers(struct manager *manager, const struct shared *shared, int64_t now_ms)
{
	if (manager->fd < 0)
		return -1;
	int64_t every_ms = how_often(manager);
	int64_t left_ms = manager->told_ms == 0 ? 0 : manager->told_ms + every_ms - now_ms;
	if (left_ms > 0)
		return (int)left_ms;
	tell_figures(manager, shared, now_ms);
	return (int)every_ms;
}

void
manager_close(struct manager *manager)
{
	if (manager->fd >= 0)
		close(manager->fd);
	manager->fd = -1;
}
