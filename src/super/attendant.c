/* SPDX-License-Identifier: ISC */
/* Looks after the monitor and the forwarder, each for itself. */
#include "super/attendant.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"

enum { FORK_RETRY_MS = 1000, KILLED_MS = 500 };

void
attendant_init(struct attendant *attendant, const char *role)
{
	*attendant = (struct attendant){.child = {.role = role, .channel = -1}};
}

void
attendant_want(struct attendant *attendant, bool wanted)
{
	struct child *child = &attendant->child;
	attendant->wanted = wanted;
	child->respawn_ms = 0;
	if (child->pid == 0 || attendant->leave_ms != 0)
		return;
	child_forget(child);
	attendant->leave_ms = clock_mono_ms();
}

static void
start(struct attendant *attendant, int64_t now_ms)
{
	struct child *child = &attendant->child;
	attendant->leave_ms = attendant->killed_ms = 0;
	attendant->heard_ms = now_ms;
	child->owed = 0;
	if (child_start(child, 0, now_ms, attendant->in_child, attendant->owner, attendant->main,
		    attendant->context) == 0)
		return;
	/* As often as workers that cannot be forked, which say it too. */
	errlog_debug("cannot fork the %s: %s", child->role, strerror(errno));
	child->respawn_ms = now_ms + FORK_RETRY_MS;
}

static void
kill_it(struct attendant *attendant, int64_t now_ms)
{
	kill(attendant->child.pid, SIGKILL);
	attendant->killed_ms = now_ms;
}

static int
left(int64_t when_ms, int64_t now_ms)
{
	return when_ms > now_ms ? (int)(when_ms - now_ms) : 0;
}

/* One that lives.  When it has to be looked at again. */
static int
watch(struct attendant *attendant, int64_t now_ms)
{
	/* Who was stopped himself, or had no processor, has heard nobody. */
	if (now_ms - attendant->looked_ms > ATTENDANT_SILENT_MS / 2)
		attendant->heard_ms = now_ms;
	attendant->looked_ms = now_ms;
	if (attendant->killed_ms != 0)
		return -1;
	int64_t deadline_ms = attendant->leave_ms != 0 ? attendant->leave_ms + ATTENDANT_LEAVE_MS
	                                               : attendant->heard_ms + ATTENDANT_SILENT_MS;
	if (deadline_ms <= now_ms) {
		if (attendant->leave_ms == 0)
			errlog_error("%s (pid %d) gives no sign of life, killing it",
				attendant->child.role, (int)attendant->child.pid);
		kill_it(attendant, now_ms);
		return -1;
	}
	int wait_ms = left(deadline_ms, now_ms);
	return wait_ms < ATTENDANT_SILENT_MS / 4 ? wait_ms : ATTENDANT_SILENT_MS / 4;
}

int
attendant_run_timers(struct attendant *attendant)
{
	struct child *child = &attendant->child;
	int64_t now_ms = clock_mono_ms();
	if (child->pid == 0 && attendant->wanted && child->respawn_ms <= now_ms) {
		attendant->looked_ms = now_ms;
		start(attendant, now_ms);
	}
	if (child->pid != 0) {
		if (child->owed != 0)
			child_repeat_orders(child, errlog_descriptor());
		return watch(attendant, now_ms);
	}
	return attendant->wanted ? left(child->respawn_ms, now_ms) : -1;
}

void
attendant_read(struct attendant *attendant)
{
	char words[64];
	ssize_t n = recv(attendant->child.channel, words, sizeof words, 0);
	if (n > 0)
		attendant->heard_ms = clock_mono_ms();
	else if (n == 0)
		child_forget(&attendant->child); /* its death will be told by SIGCHLD */
}

static void
replace_later(struct attendant *attendant, int64_t now_ms)
{
	struct child *child = &attendant->child;
	int64_t wait_ms = backoff_after_death(&child->backoff, now_ms - child->born_ms);
	child->respawn_ms = now_ms + wait_ms;
	if (wait_ms > 0)
		errlog_warn("the %s died young, the next one starts in %lld ms", child->role,
			(long long)wait_ms);
}

bool
attendant_reap(struct attendant *attendant)
{
	int status;
	bool leaving = attendant->leave_ms != 0;
	if (!child_reap(&attendant->child, leaving ? NULL : attendant->child.role, &status))
		return false;
	if (!leaving && attendant->wanted)
		replace_later(attendant, clock_mono_ms());
	return !leaving && status != 0;
}

void
attendant_order(struct attendant *attendant, char order, int fd)
{
	if (attendant->child.pid != 0)
		child_order(&attendant->child, order, fd);
}

/* Whether it has ended, within that time. */
static bool
has_ended(int pidfd, int wait_ms)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	return poll(&ended, 1, wait_ms) > 0;
}

void
attendant_stop(struct attendant *attendant)
{
	struct child *child = &attendant->child;
	attendant_want(attendant, false);
	if (child->pid == 0)
		return;
	int pidfd = pidfd_open(child->pid, 0);
	if (!has_ended(pidfd, ATTENDANT_LEAVE_MS)) {
		kill_it(attendant, clock_mono_ms());
		has_ended(pidfd, KILLED_MS);
	}
	if (pidfd >= 0)
		close(pidfd);
	attendant_reap(attendant);
}
