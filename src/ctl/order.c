/* SPDX-License-Identifier: ISC */
/*
 * Sending a signal and waiting for what it brings about.  The process is held by a descriptor from before
 * the scoreboard was seen to be its, so that no signal can reach another one that got its number.
 */
#include "ctl/order.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "figures/words.h"

enum { LOOK_MS = 20 };

struct order {
	const struct shared *shared; /* unless there is only a pid */
	int process;
	int64_t deadline_ms;
	struct board_info before, info;
};

/* What is to be reached in every worker. */
struct aim {
	uint64_t settings, log;
};

enum reached { REACHED, NOT_YET, CANNOT };

static int
send_signal(const struct order *order, int number)
{
	if (pidfd_send_signal(order->process, number, NULL, 0) == 0)
		return EX_OK;
	if (errno == EPERM)
		warnx("no permission to signal the daemon: try it as root or as the daemon's user");
	else
		warn("cannot signal the daemon");
	return errno == EPERM ? EX_NOPERM : EX_UNAVAILABLE;
}

static int
begin(struct order *order, struct target *target, int64_t timeout_ms)
{
	int status = EX_OK;
	*order = (struct order){.shared = &target->shared,
		.process = -1,
		.deadline_ms = clock_mono_ms() + timeout_ms};
	pid_t pid = target_pid(target, &status);
	if (pid == 0)
		return status;
	if (pid == SHARED_UNSEEN) {
		warnx("the daemon runs in another PID namespace: it has to be told from there");
		return EX_UNAVAILABLE;
	}
	order->process = pidfd_open(pid, 0);
	if (order->process < 0 || (target->attached && !shared_running(&target->shared))) {
		warnx("not running any more");
		return EX_UNAVAILABLE;
	}
	if (target->attached)
		scoreboard_info(order->shared->board, &order->before);
	return EX_OK;
}

static void
end(const struct order *order)
{
	if (order->process >= 0)
		close(order->process);
}

/* Waits a moment, at most, and only until the daemon ends; whether it has. */
static bool
has_ended(const struct order *order, int timeout_ms)
{
	struct pollfd process = {.fd = order->process, .events = POLLIN};
	return poll(&process, 1, timeout_ms) > 0;
}

/* Looks again and again.  EX_OK, or the status of what came between. */
static int
wait_for(struct order *order, bool (*over)(struct order *order, const struct aim *aim),
	const struct aim *aim)
{
	while (!over(order, aim)) {
		if (clock_mono_ms() >= order->deadline_ms)
			return EX_TEMPFAIL;
		if (has_ended(order, LOOK_MS)) {
			warnx("the daemon ended meanwhile");
			return EX_UNAVAILABLE;
		}
	}
	return EX_OK;
}

static bool
reload_is_over(struct order *order, const struct aim *aim)
{
	(void)aim;
	scoreboard_info(order->shared->board, &order->info);
	return order->info.reloads_finished > order->before.reloads_asked;
}

static bool
reopening_is_asked(struct order *order, const struct aim *aim)
{
	(void)aim;
	scoreboard_info(order->shared->board, &order->info);
	return order->info.log_generation > order->before.log_generation;
}

static enum reached
worker_reached(const struct scoreboard_slot *seen, const struct aim *aim)
{
	if (seen->log_generation < aim->log && seen->log_tried >= aim->log)
		return CANNOT;
	return seen->settings_generation >= aim->settings && seen->log_generation >= aim->log
	               ? REACHED
	               : NOT_YET;
}

/* How many workers stand so; tells what keeps them, if asked. */
static size_t
count_workers(const struct order *order, const struct aim *aim, enum reached wanted, bool tell)
{
	const struct scoreboard *board = order->shared->board;
	size_t count = 0;
	for (size_t i = 0; i < order->shared->slots; i++) {
		struct scoreboard_slot seen;
		if (!scoreboard_read_slot(board, i, &seen) || worker_reached(&seen, aim) != wanted)
			continue;
		count++;
		if (tell && wanted == CANNOT)
			warnx("worker %d keeps the old log file: %s", (int)seen.pid,
				strerror(seen.log_error));
		else if (tell)
			warnx("worker %d (%s) has not followed yet", (int)seen.pid,
				slot_state_name(seen.state));
	}
	return count;
}

static bool
all_workers_decided(struct order *order, const struct aim *aim)
{
	return count_workers(order, aim, NOT_YET, false) == 0;
}

/* Waits for every worker; says so when it was in vain. */
static int
wait_for_workers(struct order *order, const struct aim *aim)
{
	int status = wait_for(order, all_workers_decided, aim);
	if (status == EX_TEMPFAIL)
		count_workers(order, aim, NOT_YET, true);
	if (status == EX_OK && count_workers(order, aim, CANNOT, true) > 0)
		return ORDER_FAILED;
	return status;
}

static int
timed_out(const char *what)
{
	warnx("%s has not ended in time", what);
	return EX_TEMPFAIL;
}

static int
reload(struct order *order)
{
	int status = send_signal(order, SIGHUP);
	if (status == EX_OK)
		status = wait_for(order, reload_is_over, NULL);
	if (status != EX_OK)
		return status;
	words_print_lines(stderr, "", order->info.errors);
	if (order->info.reload_errors > 0) {
		warnx("the reload failed, the settings are as they were");
		return ORDER_FAILED;
	}
	const struct aim aim = {order->info.settings_generation, order->info.log_generation};
	status = wait_for_workers(order, &aim);
	if (status == EX_OK)
		printf("reloaded: settings generation %" PRIu64 " is in force in %zu workers\n",
			aim.settings, count_workers(order, &aim, REACHED, false));
	return status;
}

int
order_reload(struct target *target, int64_t timeout_ms)
{
	struct order order;
	int status = begin(&order, target, timeout_ms);
	if (status == EX_OK)
		status = reload(&order);
	if (status == EX_TEMPFAIL)
		timed_out("the reload");
	end(&order);
	return status;
}

static int
reopen(struct order *order)
{
	int status = send_signal(order, SIGUSR1);
	if (status == EX_OK)
		status = wait_for(order, reopening_is_asked, NULL);
	if (status != EX_OK)
		return status;
	const struct aim aim = {.log = order->info.log_generation};
	status = wait_for_workers(order, &aim);
	if (status == EX_OK)
		printf("reopened: no worker of %zu writes to the old file any more\n",
			count_workers(order, &aim, REACHED, false));
	return status;
}

int
order_reopen(struct target *target, int64_t timeout_ms)
{
	struct order order;
	int status = begin(&order, target, timeout_ms);
	if (status == EX_OK)
		status = reopen(&order);
	if (status == EX_TEMPFAIL)
		timed_out("the reopening");
	end(&order);
	return status;
}

int
order_stop(struct target *target, int64_t timeout_ms)
{
	struct order order;
	int status = begin(&order, target, timeout_ms);
	if (status == EX_OK)
		status = send_signal(&order, SIGTERM);
	if (status == EX_OK && !has_ended(&order, (int)timeout_ms))
		status = timed_out("stopping");
	if (status == EX_OK)
		puts("stopped");
	end(&order);
	return status;
}
