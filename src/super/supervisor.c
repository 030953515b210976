/* SPDX-License-Identifier: ISC */
/* The supervisor's loop: what happened -> lifecycle -> what to do. */
#include "super/supervisor.h"

#include <bsd/unistd.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/lifecycle.h"

enum { FORK_RETRY_MS = 1000, CLEANER_MS = 2000 };

struct supervisor {
	const struct supervisor_plan *plan;
	struct lifecycle lifecycle;
	struct child *children;
	size_t count;
	struct pollfd *polls; /* the signals, then a channel for each child */
	int signals;
	int64_t deadline_ms; /* of the drain; 0: none */
	int status;
	bool over;
};

static void carry_out(
	struct supervisor *supervisor, unsigned actions, struct child *child, int status);

void
supervisor_block_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have ignored it: then the kernel tells nobody of the dead. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ,
		SIG_IGN); /* a file-size limit is an EFBIG like any other error of the disk */
}

/* Runs in a new child: gives up the supervisor's descriptors and its privileges. */
static int
become_child(void *owner, size_t index)
{
	struct supervisor *supervisor = owner;
	close(supervisor->signals);
	for (size_t i = 0; i < supervisor->count; i++)
		child_forget(&supervisor->children[i]);
	free(supervisor->children);
	free(supervisor->polls);
	if (supervisor->plan->in_child != NULL)
		supervisor->plan->in_child(supervisor->plan->context);
	if (privileges_take(supervisor->plan->privileges) == 0)
		return 0;
	errlog_error("worker %zu cannot become user %s: %s", index + 1,
		supervisor->plan->privileges->user, strerror(errno));
	return EX_NOPERM;
}

static void
spawn(struct supervisor *supervisor, size_t index)
{
	const struct supervisor_plan *plan = supervisor->plan;
	struct child *child = &supervisor->children[index];
	int64_t now_ms = clock_mono_ms();
	if (child_start(child, index, now_ms, become_child, supervisor, plan->child_main,
		    plan->child_context) == 0)
		return;
	errlog_error("cannot fork worker %zu: %s", index + 1, strerror(errno));
	child->respawn_ms = now_ms + FORK_RETRY_MS;
}

static bool
none_left(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->count; i++) {
		if (supervisor->children[i].pid != 0)
			return false;
	}
	return true;
}

static bool
all_ready(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->count; i++) {
		if (!supervisor->children[i].ready)
			return false;
	}
	return true;
}

static void
step(struct supervisor *supervisor, enum lifecycle_event event, struct child *child, int status)
{
	carry_out(supervisor, lifecycle_step(&supervisor->lifecycle, event), child, status);
}

static void
announce(const struct supervisor *supervisor)
{
	const struct listener_set *listeners = supervisor->plan->listeners;
	for (size_t i = 0; i < listeners->count; i++)
		errlog_info("listening on %s", listeners->items[i].name);
	if (supervisor->plan->ready != NULL)
		supervisor->plan->ready(supervisor->plan->context);
}

static void
plan_respawn(struct child *child, size_t index)
{
	int64_t now_ms = clock_mono_ms();
	int64_t wait_ms = backoff_after_death(&child->backoff, now_ms - child->born_ms);
	child->respawn_ms = now_ms + wait_ms;
	if (wait_ms > 0)
		errlog_warn("worker %zu died young, the next one starts in %lld ms", index + 1,
			(long long)wait_ms);
}

static void
kill_children(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->count; i++) {
		if (supervisor->children[i].pid != 0)
			kill(supervisor->children[i].pid, SIGKILL);
	}
}

static void
drain_children(struct supervisor *supervisor)
{
	int64_t timeout_ms = supervisor->plan->settings->graceful_shutdown_timeout_s * 1000;
	supervisor->deadline_ms = clock_mono_ms() + timeout_ms;
	for (size_t i = 0; i < supervisor->count; i++)
		child_drain(&supervisor->children[i]);
}

static void
carry_out(struct supervisor *supervisor, unsigned actions, struct child *child, int status)
{
	if (actions & ACTION_ANNOUNCE)
		announce(supervisor);
	if (actions & ACTION_RESPAWN)
		plan_respawn(child, (size_t)(child - supervisor->children));
	if (actions & ACTION_CLOSE_LISTENERS)
		listener_close(supervisor->plan->listeners);
	if (actions & ACTION_DRAIN)
		drain_children(supervisor);
	if (actions & ACTION_KILL)
		kill_children(supervisor);
	if (actions & ACTION_EXIT)
		supervisor->over = true;
	if (status != EX_OK && actions & ACTION_KILL)
		supervisor->status = status;
	bool stopping = supervisor->lifecycle.state == LIFECYCLE_DRAINING ||
	                supervisor->lifecycle.state == LIFECYCLE_KILLING;
	if (stopping && none_left(supervisor))
		step(supervisor, EVENT_LAST_DIED, NULL, EX_OK);
}

/* Statuses with which every next worker would end as well. */
static bool
is_hopeless(int status)
{
	return status == EX_CONFIG || status == EX_NOPERM || status == EX_CANTCREAT;
}

static void
child_died(struct supervisor *supervisor, struct child *child, int status)
{
	child->ready = false;
	step(supervisor, is_hopeless(status) ? EVENT_CHILD_HOPELESS : EVENT_CHILD_DIED, child,
		status);
}

static void
reap_children(struct supervisor *supervisor)
{
	int status;
	for (size_t i = 0; i < supervisor->count; i++) {
		if (child_reap(&supervisor->children[i], i, &status))
			child_died(supervisor, &supervisor->children[i], status);
	}
}

static void
stop(struct supervisor *supervisor, unsigned signal)
{
	errlog_info("%s on SIG%s",
		supervisor->lifecycle.state == LIFECYCLE_DRAINING ? "stopping at once" : "stopping",
		sigabbrev_np((int)signal));
	step(supervisor, EVENT_STOP, NULL, EX_OK);
}

static void
read_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;
	while (read(supervisor->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap_children(supervisor);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop(supervisor, info.ssi_signo);
	}
}

/* A worker says with a sysexits status that it serves. */
static void
read_channel(struct supervisor *supervisor, struct child *child)
{
	unsigned char status;
	ssize_t n = recv(child->channel, &status, 1, 0);
	if (n <= 0) {
		if (n == 0)
			child_forget(child); /* its death will be told by SIGCHLD */
		return;
	}
	child->ready = true;
	if (is_hopeless(status) && supervisor->lifecycle.state == LIFECYCLE_STARTING)
		step(supervisor, EVENT_CHILD_HOPELESS, child, status);
	else if (all_ready(supervisor))
		step(supervisor, EVENT_ALL_READY, NULL, EX_OK);
}

static int
until(int timeout_ms, int64_t when_ms, int64_t now_ms)
{
	int64_t left = when_ms > now_ms ? when_ms - now_ms : 0;
	return timeout_ms < 0 || left < timeout_ms ? (int)left : timeout_ms;
}

static bool
wants_workers(const struct supervisor *supervisor)
{
	return supervisor->lifecycle.state == LIFECYCLE_STARTING ||
	       supervisor->lifecycle.state == LIFECYCLE_RUNNING;
}

/* Forks what is due; returns how long the loop may wait, in milliseconds, or -1. */
static int
run_timers(struct supervisor *supervisor)
{
	int64_t now_ms = clock_mono_ms();
	int timeout_ms = -1;
	for (size_t i = 0; i < supervisor->count && wants_workers(supervisor); i++) {
		struct child *child = &supervisor->children[i];
		if (child->pid == 0 && child->respawn_ms <= now_ms)
			spawn(supervisor, i);
		if (child->pid == 0)
			timeout_ms = until(timeout_ms, child->respawn_ms, now_ms);
	}
	if (supervisor->lifecycle.state != LIFECYCLE_DRAINING)
		return timeout_ms;
	if (supervisor->deadline_ms <= now_ms) {
		errlog_warn("GracefulShutdownTimeout has passed, killing the workers");
		step(supervisor, EVENT_DEADLINE, NULL, EX_OK);
		return -1;
	}
	return until(timeout_ms, supervisor->deadline_ms, now_ms);
}

/* Only open channels: poll() refuses a list that is longer than RLIMIT_NOFILE, whatever is in it. */
static size_t
prepare_polls(struct supervisor *supervisor)
{
	size_t count = 0;
	supervisor->polls[count++] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
	for (size_t i = 0; i < supervisor->count; i++) {
		if (supervisor->children[i].channel >= 0)
			supervisor->polls[count++] = (struct pollfd){
				.fd = supervisor->children[i].channel, .events = POLLIN};
	}
	return count;
}

static void
wait_for_events(struct supervisor *supervisor, int timeout_ms)
{
	size_t count = prepare_polls(supervisor), next = 1;
	if (poll(supervisor->polls, count, timeout_ms) <= 0)
		return;
	for (size_t i = 0; i < supervisor->count && next < count; i++) {
		struct child *child = &supervisor->children[i];
		if (child->channel == supervisor->polls[next].fd &&
			supervisor->polls[next++].revents != 0)
			read_channel(supervisor, child);
	}
	if (supervisor->polls[0].revents != 0)
		read_signals(supervisor);
}

static int
open_signals(void)
{
	sigset_t signals;
	sigprocmask(SIG_BLOCK, NULL, &signals);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
log_counts(const struct scoreboard *scoreboard)
{
	struct scoreboard_totals totals = scoreboard_totals(scoreboard);
	char text[1024];
	size_t len = 0;
	for (size_t i = 0; i < COUNTS && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, " %s=%llu", count_name(i),
			(unsigned long long)totals.counts[i]);
	errlog_info("counted:%s", text);
}

/*
 * Workers that were killed may have left something that the next worker would have put in order.
 * A child does it, without the supervisor's privileges, and is not waited for for long.
 */
static void
clean_up(struct supervisor *supervisor)
{
	const struct supervisor_plan *plan = supervisor->plan;
	struct child *child = &supervisor->children[0];
	if (plan->unclean == NULL || !plan->unclean(plan->child_context))
		return;
	int64_t deadline_ms = clock_mono_ms() + CLEANER_MS, now_ms;
	if (child_start(child, 0, deadline_ms, become_child, supervisor, plan->cleaner,
		    plan->child_context) < 0) {
		errlog_error("cannot clean up after the workers: %s", strerror(errno));
		return;
	}
	while (child->pid != 0 && (now_ms = clock_mono_ms()) < deadline_ms)
		wait_for_events(supervisor, (int)(deadline_ms - now_ms));
	if (child->pid == 0)
		return;
	errlog_error("cannot clean up after the workers: it takes too long");
	kill(child->pid, SIGKILL);
	child_forget(child);
}

int
supervisor_run(const struct supervisor_plan *plan)
{
	struct supervisor supervisor = {
		.plan = plan, .count = (size_t)plan->settings->workers, .signals = open_signals()};
	supervisor.children = calloc(supervisor.count, sizeof *supervisor.children);
	supervisor.polls = calloc(supervisor.count + 1, sizeof *supervisor.polls);
	if (supervisor.signals < 0 || supervisor.children == NULL || supervisor.polls == NULL) {
		errlog_error("cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	for (size_t i = 0; i < supervisor.count; i++)
		supervisor.children[i].channel = -1;
	setproctitle(
		"supervisor: %zu worker%s", supervisor.count, supervisor.count == 1 ? "" : "s");
	lifecycle_init(&supervisor.lifecycle);
	while (!supervisor.over) {
		int timeout_ms = run_timers(&supervisor);
		if (!supervisor.over)
			wait_for_events(&supervisor, timeout_ms);
	}
	clean_up(&supervisor);
	log_counts(plan->scoreboard);
	close(supervisor.signals);
	free(supervisor.children);
	free(supervisor.polls);
	return supervisor.status;
}
