/* SPDX-License-Identifier: ISC */
/* The supervisor's loop: what happened -> lifecycle -> what to do. */
#include "super/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/lifecycle.h"
#include "core/order.h"
#include "super/attendant.h"
#include "super/crew.h"
#include "super/notice.h"
#include "super/reloading.h"
#include "super/secrets.h"
#include "super/signals.h"

enum { CLEANER_MS = 2000, STOP_SPARE_S = 10 /* for killing, cleaning up */ };

struct supervisor {
	const struct supervisor_plan *plan;
	struct lifecycle lifecycle;
	struct crew crew;
	struct attendant attendant, forwarder; /* the monitor; and that */
	struct pollfd
		*polls; /* the signals, the channels of these two, then those of the workers */
	int signals;
	int64_t deadline_ms; /* of the drain */
	bool postponed;      /* a reload was asked for while it could not be done */
	struct reloading reloading;
	int status;
	bool over;
};

static void step(
	struct supervisor *supervisor, enum lifecycle_event event, struct child *child, int status);

/* Gives up the supervisor's descriptors and its privileges. */
static int
become_child(struct supervisor *supervisor, const char *name)
{
	close(supervisor->signals);
	crew_fini(&supervisor->crew);
	child_forget(&supervisor->attendant.child);
	child_forget(&supervisor->forwarder.child);
	free(supervisor->polls);
	reloading_fini(&supervisor->reloading);
	supervisor->plan->in_child(supervisor->plan->context);
	if (privileges_take(supervisor->plan->privileges) == 0)
		return 0;
	errlog_error("%s cannot become user %s: %s", name, supervisor->plan->privileges->user,
		strerror(errno));
	return EX_NOPERM;
}

/* These three run in a new child. */

static int
become_worker(void *owner, size_t slot)
{
	struct supervisor *supervisor = owner;
	char name[32];
	snprintf(name, sizeof name, "worker %zu", slot + 1);
	listener_close(supervisor->plan->status);
	return become_child(supervisor, name);
}

static int
become_monitor(void *owner, size_t index)
{
	struct supervisor *supervisor = owner;
	(void)index;
	listener_close(supervisor->plan->listeners);
	secrets_forget(supervisor->plan->tls);
	return become_child(supervisor, "monitor");
}

static int
become_forwarder(void *owner, size_t index)
{
	struct supervisor *supervisor = owner;
	(void)index;
	listener_close(supervisor->plan->listeners);
	listener_close(supervisor->plan->status);
	return become_child(supervisor, "forwarder");
}

static void
announce(const struct supervisor *supervisor)
{
	scoreboard_set_daemon_state(supervisor->plan->shared->board, BOARD_RUNNING);
	notice_board(
		supervisor->plan->shared, supervisor->plan->listeners, supervisor->crew.generation);
	notice_status(supervisor->plan->status, &(struct listener_set){0}, "status on");
	notice_listeners(supervisor->plan->listeners, &(struct listener_set){0}, "listening on");
	manager_ready(supervisor->plan->manager);
	supervisor->plan->ready(supervisor->plan->context);
}

static void
drain(struct supervisor *supervisor)
{
	int64_t timeout_s = supervisor->plan->settings->graceful_shutdown_timeout_s;
	supervisor->deadline_ms = clock_mono_ms() + timeout_s * 1000;
	manager_stopping(supervisor->plan->manager, timeout_s + STOP_SPARE_S);
	scoreboard_set_daemon_state(supervisor->plan->shared->board, BOARD_STOPPING);
	crew_order(&supervisor->crew, ORDER_DRAIN, -1);
}

static void
resume(struct supervisor *supervisor)
{
	if (!supervisor->postponed)
		return;
	supervisor->postponed = false;
	step(supervisor, EVENT_RELOAD, NULL, EX_OK);
}

static void
reload(struct supervisor *supervisor)
{
	bool held_up = supervisor->lifecycle.state == LIFECYCLE_RELOADING;
	if (reloading_begin(&supervisor->reloading, held_up))
		step(supervisor, EVENT_NEW_GENERATION, NULL, EX_OK);
}

static void
carry_out(struct supervisor *supervisor, unsigned actions, struct child *child)
{
	if (actions & ACTION_ANNOUNCE)
		announce(supervisor);
	if (actions & ACTION_RETIRE)
		reloading_end(&supervisor->reloading);
	if (actions & ACTION_RESPAWN && child != NULL)
		crew_replace(&supervisor->crew, child);
	if (actions & ACTION_CLOSE_LISTENERS)
		listener_abandon(supervisor->plan->listeners, &(struct listener_set){0});
	if (actions & ACTION_DRAIN)
		drain(supervisor);
	if (actions & ACTION_KILL)
		crew_kill(&supervisor->crew);
	if (actions & ACTION_REOPEN)
		reloading_reopen_logs(&supervisor->reloading);
	if (actions & ACTION_RELOAD)
		reload(supervisor);
	if (actions & ACTION_POSTPONE)
		supervisor->postponed = true;
	if (actions & ACTION_RESUME)
		resume(supervisor);
	if (actions & ACTION_EXIT)
		supervisor->over = true;
}

static bool
is_stopping(const struct supervisor *supervisor)
{
	return supervisor->lifecycle.state == LIFECYCLE_DRAINING ||
	       supervisor->lifecycle.state == LIFECYCLE_KILLING;
}

/* `child` and the exit status that it gave matter for the events that speak of one. */
static void
step(struct supervisor *supervisor, enum lifecycle_event event, struct child *child, int status)
{
	unsigned actions = lifecycle_step(&supervisor->lifecycle, event);
	if (event == EVENT_CHILD_HOPELESS && actions & ACTION_KILL)
		supervisor->status = status;
	carry_out(supervisor, actions, child);
	if (is_stopping(supervisor) && crew_is_gone(&supervisor->crew))
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
	if (child->wanted)
		step(supervisor, is_hopeless(status) ? EVENT_CHILD_HOPELESS : EVENT_CHILD_DIED,
			child, status);
	else if (is_stopping(supervisor) && crew_is_gone(&supervisor->crew))
		step(supervisor, EVENT_LAST_DIED, NULL, EX_OK);
}

static void
reap_children(struct supervisor *supervisor)
{
	struct child *child;
	int status;
	errand_reap(&supervisor->reloading.errands);
	if (attendant_reap(&supervisor->attendant))
		scoreboard_count_monitor_death(supervisor->plan->shared->board);
	if (attendant_reap(&supervisor->forwarder))
		atomic_fetch_add(&scoreboard_shipping(supervisor->plan->shared->board)->deaths, 1);
	while ((child = crew_reap(&supervisor->crew, &status)) != NULL)
		child_died(supervisor, child, status);
}

/*
 * The first process of a container is given the orphans of all others there, and whoever became the daemon by exec may
 * have had children.  One of ours that is seen here has died since it was looked for, and its SIGCHLD is on its way.
 */
static void
reap_strangers(const struct supervisor *supervisor)
{
	for (;;) {
		siginfo_t dead = {.si_pid = 0};
		if (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) < 0 || dead.si_pid == 0 ||
			crew_has(&supervisor->crew, dead.si_pid) ||
			supervisor->attendant.child.pid == dead.si_pid ||
			supervisor->forwarder.child.pid == dead.si_pid ||
			errand_is_lost(&supervisor->reloading.errands, dead.si_pid))
			return;
		(void)waitpid(dead.si_pid, NULL, WNOHANG);
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
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap_children(supervisor);
			reap_strangers(supervisor);
			break;
		case SIGHUP:
			scoreboard_reload_asked(supervisor->plan->shared->board);
			step(supervisor, EVENT_RELOAD, NULL, EX_OK);
			break;
		case SIGUSR1:
			step(supervisor, EVENT_REOPEN, NULL, EX_OK);
			break;
		default:
			stop(supervisor, info.ssi_signo);
		}
	}
}

static void
child_is_ready(struct supervisor *supervisor, struct child *child, unsigned char status)
{
	child->ready = true;
	if (is_hopeless(status) && supervisor->lifecycle.state == LIFECYCLE_STARTING)
		step(supervisor, EVENT_CHILD_HOPELESS, child, status);
	else if (crew_all_ready(&supervisor->crew))
		step(supervisor, EVENT_ALL_READY, NULL, EX_OK);
}

static void
read_channel(struct supervisor *supervisor, struct child *child)
{
	unsigned char word;
	ssize_t n = recv(child->channel, &word, 1, 0);
	if (n == 0)
		child_forget(child); /* its death will be told by SIGCHLD */
	else if (n == 1 && word == WORKER_WORN_OUT)
		child->worn_out = true;
	else if (n == 1)
		child_is_ready(supervisor, child, word);
}

/* A generation that does not start must not keep the operator from mending the settings. */
static void
check_postponed(struct supervisor *supervisor)
{
	if (!supervisor->postponed || supervisor->lifecycle.state != LIFECYCLE_RELOADING ||
		!crew_is_held_up(&supervisor->crew))
		return;
	supervisor->postponed = false;
	step(supervisor, EVENT_HELD_UP, NULL, EX_OK);
}

/* As manager_run_timers(), for whoever looks at the scoreboard. */
static int
show_life(const struct supervisor *supervisor)
{
	if (supervisor->plan->settings->scoreboard_file[0] == '\0')
		return -1;
	scoreboard_beat(supervisor->plan->shared->board, clock_mono_ms());
	return SCOREBOARD_BEAT_MS;
}

/* Does what is due; returns how long the loop may wait, in milliseconds, or -1. */
static int
run_timers(struct supervisor *supervisor)
{
	int wait_ms = clock_shorter_ms(crew_run_timers(&supervisor->crew, !is_stopping(supervisor)),
		manager_run_timers(
			supervisor->plan->manager, supervisor->plan->shared, clock_mono_ms()));
	wait_ms = clock_shorter_ms(wait_ms, show_life(supervisor));
	wait_ms = clock_shorter_ms(wait_ms, secrets_run_timers(supervisor->plan));
	wait_ms = clock_shorter_ms(wait_ms, attendant_run_timers(&supervisor->attendant));
	wait_ms = clock_shorter_ms(wait_ms, attendant_run_timers(&supervisor->forwarder));
	if (supervisor->lifecycle.state != LIFECYCLE_DRAINING)
		return wait_ms;
	int64_t left_ms = supervisor->deadline_ms - clock_mono_ms();
	if (left_ms <= 0) {
		errlog_warn("GracefulShutdownTimeout has passed, killing the workers");
		step(supervisor, EVENT_DEADLINE, NULL, EX_OK);
		return -1;
	}
	return clock_shorter_ms(wait_ms, (int)left_ms);
}

/* Only open channels: poll() refuses a list that is longer than RLIMIT_NOFILE, whatever is in it. */
static size_t
prepare_polls(struct supervisor *supervisor)
{
	const struct crew *crew = &supervisor->crew;
	size_t count = 0;
	supervisor->polls[count++] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
	if (supervisor->attendant.child.channel >= 0)
		supervisor->polls[count++] = (struct pollfd){
			.fd = supervisor->attendant.child.channel, .events = POLLIN};
	if (supervisor->forwarder.child.channel >= 0)
		supervisor->polls[count++] = (struct pollfd){
			.fd = supervisor->forwarder.child.channel, .events = POLLIN};
	for (size_t i = 0; i < crew->slots; i++) {
		if (crew->children[i].channel >= 0)
			supervisor->polls[count++] = (struct pollfd){
				.fd = crew->children[i].channel, .events = POLLIN};
	}
	return count;
}

static void
wait_for_events(struct supervisor *supervisor, int timeout_ms)
{
	struct crew *crew = &supervisor->crew;
	size_t count = prepare_polls(supervisor), next = 1;
	if (poll(supervisor->polls, count, timeout_ms) <= 0)
		return;
	if (supervisor->polls[next].fd == supervisor->attendant.child.channel &&
		supervisor->polls[next++].revents != 0)
		attendant_read(&supervisor->attendant);
	if (next < count && supervisor->polls[next].fd == supervisor->forwarder.child.channel &&
		supervisor->polls[next++].revents != 0)
		attendant_read(&supervisor->forwarder);
	for (size_t i = 0; i < crew->slots && next < count; i++) {
		struct child *child = &crew->children[i];
		if (child->channel == supervisor->polls[next].fd &&
			supervisor->polls[next++].revents != 0)
			read_channel(supervisor, child);
	}
	if (supervisor->polls[0].revents != 0)
		read_signals(supervisor);
}

/*
 * Workers that were killed may have left something that the next worker would have put in order.
 * A child does it, without the supervisor's privileges, and is not waited for for long.
 */
static void
clean_up(struct supervisor *supervisor)
{
	const struct supervisor_plan *plan = supervisor->plan;
	struct crew *crew = &supervisor->crew;
	struct board_info info;
	scoreboard_info(plan->shared->board, &info);
	if (info.worker_deaths == 0)
		return;
	int64_t deadline_ms = clock_mono_ms() + CLEANER_MS, now_ms;
	crew->main = plan->cleaner;
	crew_new_generation(crew, 1);
	crew_run_timers(crew, true);
	while (!crew_is_gone(crew) && (now_ms = clock_mono_ms()) < deadline_ms)
		wait_for_events(supervisor, (int)(deadline_ms - now_ms));
	if (crew_is_gone(crew))
		return;
	errlog_error("cannot clean up after the workers: it takes too long");
	crew_kill(crew);
}

static void
set_up_attendants(struct supervisor *supervisor)
{
	struct attendant *attendant = &supervisor->attendant;
	attendant_init(attendant, "monitor");
	attendant->in_child = become_monitor;
	attendant->owner = supervisor;
	attendant->main = supervisor->plan->monitor;
	attendant->context = supervisor->plan->monitor_context;
	attendant = &supervisor->forwarder;
	attendant_init(attendant, "forwarder");
	attendant->in_child = become_forwarder;
	attendant->owner = supervisor;
	attendant->main = supervisor->plan->forwarder;
	attendant->context = supervisor->plan->forwarder_context;
}

static int
set_up(struct supervisor *supervisor, const struct supervisor_plan *plan)
{
	size_t slots = plan->shared->slots;
	supervisor->plan = plan;
	supervisor->signals = signals_open();
	set_up_attendants(supervisor);
	supervisor->polls = calloc(slots + 3, sizeof *supervisor->polls);
	if (crew_init(&supervisor->crew, slots) < 0 || supervisor->signals < 0 ||
		supervisor->polls == NULL)
		return -1;
	supervisor->crew.shared = plan->shared;
	supervisor->crew.settings = plan->settings;
	supervisor->crew.in_child = become_worker;
	supervisor->crew.owner = supervisor;
	supervisor->crew.main = plan->child_main;
	supervisor->crew.context = plan->child_context;
	supervisor->reloading = (struct reloading){.plan = plan,
		.crew = &supervisor->crew,
		.attendant = &supervisor->attendant,
		.forwarder = &supervisor->forwarder};
	lifecycle_init(&supervisor->lifecycle);
	published_write(plan->shared->settings, plan->settings, sizeof *plan->settings);
	crew_new_generation(&supervisor->crew, (size_t)plan->settings->workers);
	attendant_want(&supervisor->attendant, plan->status->count > 0);
	attendant_want(&supervisor->forwarder, plan->settings->forward.scheme[0] != '\0');
	notice_board(
		supervisor->plan->shared, supervisor->plan->listeners, supervisor->crew.generation);
	return 0;
}

static void
tear_down(struct supervisor *supervisor)
{
	if (supervisor->signals >= 0)
		close(supervisor->signals);
	crew_fini(&supervisor->crew);
	free(supervisor->polls);
	reloading_fini(&supervisor->reloading);
}

int
supervisor_run(const struct supervisor_plan *plan)
{
	struct supervisor supervisor = {0};
	if (set_up(&supervisor, plan) < 0) {
		errlog_error("cannot start: %s", strerror(errno));
		tear_down(&supervisor);
		return EX_OSERR;
	}
	notice_title(plan->settings);
	while (!supervisor.over) {
		check_postponed(&supervisor);
		int timeout_ms = run_timers(&supervisor);
		if (!supervisor.over)
			wait_for_events(&supervisor, timeout_ms);
	}
	clean_up(&supervisor);
	/* Answers may have waited for it, until all workers were gone; what it has not shipped is in the spool. */
	attendant_stop(&supervisor.forwarder);
	/* Up to now it has told that the daemon drains. */
	attendant_stop(&supervisor.attendant);
	notice_counts(plan->shared);
	tear_down(&supervisor);
	return supervisor.status;
}
