/* SPDX-License-Identifier: ISC */
/* The workers, slot by slot. */
#include "super/crew.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/order.h"

enum { REPEAT_MS = 1000, FORK_RETRY_MS = 1000 };

int
crew_init(struct crew *crew, size_t slots)
{
	crew->children = calloc(slots, sizeof *crew->children);
	if (crew->children == NULL)
		return -1;
	crew->slots = slots;
	for (size_t i = 0; i < slots; i++)
		crew->children[i].channel = -1;
	return 0;
}

void
crew_fini(struct crew *crew)
{
	for (size_t i = 0; i < crew->slots; i++)
		child_forget(&crew->children[i]);
	free(crew->children);
	crew->children = NULL;
	crew->slots = 0;
}

static bool
is_free(const struct child *child)
{
	return child->pid == 0 && !child->wanted;
}

size_t
crew_free_slots(const struct crew *crew)
{
	size_t count = 0;
	for (size_t i = 0; i < crew->slots; i++)
		count += crew->children[i].pid == 0;
	return count;
}

static void
want(struct crew *crew, struct child *child)
{
	*child = (struct child){.role = "worker",
		.channel = -1,
		.wanted = true,
		.generation = crew->generation,
		.respawn_ms = 0};
}

/* Wants up to `count` workers in free slots; returns how many found none. */
static size_t
want_somewhere(struct crew *crew, size_t count)
{
	for (size_t i = 0; i < crew->slots && count > 0; i++) {
		if (!is_free(&crew->children[i]))
			continue;
		want(crew, &crew->children[i]);
		count--;
	}
	return count;
}

void
crew_new_generation(struct crew *crew, size_t workers)
{
	/* Nobody replaces workers of the generation before, not even one that is due. */
	for (size_t i = 0; i < crew->slots; i++)
		crew->children[i].wanted = false;
	crew->generation++;
	want_somewhere(crew, workers);
}

void
crew_replace(struct crew *crew, struct child *child)
{
	int64_t now_ms = clock_mono_ms();
	int64_t wait_ms = backoff_after_death(&child->backoff, now_ms - child->born_ms);
	child->wanted = true;
	child->respawn_ms = now_ms + wait_ms;
	if (wait_ms > 0)
		errlog_warn("worker %zu died young, the next one starts in %lld ms",
			(size_t)(child - crew->children) + 1, (long long)wait_ms);
}

bool
crew_all_ready(const struct crew *crew)
{
	for (size_t i = 0; i < crew->slots; i++) {
		const struct child *child = &crew->children[i];
		if (child->wanted && !child->ready)
			return false;
	}
	return true;
}

bool
crew_is_held_up(const struct crew *crew)
{
	int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < crew->slots; i++) {
		const struct child *child = &crew->children[i];
		if (child->wanted && child->pid == 0 && child->respawn_ms > now_ms)
			return true;
	}
	return false;
}

bool
crew_is_gone(const struct crew *crew)
{
	for (size_t i = 0; i < crew->slots; i++) {
		if (crew->children[i].pid != 0)
			return false;
	}
	return true;
}

bool
crew_has(const struct crew *crew, pid_t pid)
{
	for (size_t i = 0; i < crew->slots; i++) {
		if (crew->children[i].pid == pid)
			return true;
	}
	return false;
}

static void
retire(struct child *child, int64_t now_ms)
{
	child->retired_ms = now_ms;
	child_order(child, ORDER_RETIRE, -1);
}

static void
retire_generations(struct crew *crew, bool newest)
{
	int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < crew->slots; i++) {
		struct child *child = &crew->children[i];
		bool is_newest = child->generation == crew->generation;
		if (child->pid != 0 && child->retired_ms == 0 && is_newest == newest)
			retire(child, now_ms);
	}
}

void
crew_retire_older(struct crew *crew)
{
	retire_generations(crew, false);
}

void
crew_retire_newest(struct crew *crew)
{
	retire_generations(crew, true);
}

/*
 * Another worker starts for each that is worn out, as far as there are slots, and only when it serves does the old
 * one retire.  Not while others are yet to start: a new generation would not get ready for all those that
 * come and go.
 */
static void
relieve(struct crew *crew, int64_t now_ms)
{
	if (!crew_all_ready(crew))
		return;
	for (size_t i = 0; i < crew->slots; i++) {
		struct child *child = &crew->children[i];
		if (child->pid == 0 || !child->worn_out || child->retired_ms != 0)
			continue;
		if (!child->wanted)
			retire(child, now_ms);
		else if (want_somewhere(crew, 1) == 0)
			child->wanted = false;
	}
}

void
crew_order(struct crew *crew, char order, int fd)
{
	for (size_t i = 0; i < crew->slots; i++) {
		if (crew->children[i].pid != 0)
			child_order(&crew->children[i], order, fd);
	}
}

void
crew_kill(struct crew *crew)
{
	for (size_t i = 0; i < crew->slots; i++) {
		if (crew->children[i].pid != 0)
			kill(crew->children[i].pid, SIGKILL);
	}
}

static void
spawn(struct crew *crew, size_t slot, int64_t now_ms)
{
	struct child *child = &crew->children[slot];
	scoreboard_give_slot(crew->shared->board, slot, child->generation, clock_read().wall_us);
	scoreboard_beat_slot(crew->shared->board, slot, now_ms);
	if (child_start(child, slot, now_ms, crew->in_child, crew->owner, crew->main,
		    crew->context) == 0) {
		scoreboard_set_pid(crew->shared->board, slot, child->pid);
		if (trouble_over(&crew->forking))
			errlog_info("workers can be forked again");
		return;
	}
	/* Tried every second, as long as it takes. */
	if (trouble_failed(&crew->forking, now_ms))
		errlog_error("cannot fork worker %zu: %s", slot + 1, strerror(errno));
	scoreboard_free_slot(crew->shared->board, slot);
	child->respawn_ms = now_ms + FORK_RETRY_MS;
}

static int
until(int64_t when_ms, int64_t now_ms)
{
	int64_t left = when_ms > now_ms ? when_ms - now_ms : 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/* A retired worker's time: first to serve its clients to their end, then to finish what has arrived. */
static int
hurry(struct crew *crew, struct child *child, int64_t now_ms)
{
	int64_t drain_ms = crew->settings->graceful_drain_timeout_s * 1000;
	if (child->pid == 0 || child->retired_ms == 0 || drain_ms == 0)
		return -1;
	int64_t drain_at = child->retired_ms + drain_ms;
	if (drain_at > now_ms)
		return until(drain_at, now_ms);
	if (!child->draining)
		child_order(child, ORDER_DRAIN, -1);
	child->draining = true;
	int64_t kill_at = drain_at + crew->settings->graceful_shutdown_timeout_s * 1000;
	if (kill_at > now_ms)
		return until(kill_at, now_ms);
	kill(child->pid, SIGKILL);
	return -1;
}

int
crew_run_timers(struct crew *crew, bool fork_wanted)
{
	int64_t now_ms = clock_mono_ms();
	int wait_ms = -1;
	if (fork_wanted)
		relieve(crew, now_ms);
	for (size_t slot = 0; slot < crew->slots; slot++) {
		struct child *child = &crew->children[slot];
		bool missing = fork_wanted && child->wanted && child->pid == 0;
		if (missing && child->respawn_ms <= now_ms)
			spawn(crew, slot, now_ms);
		if (missing && child->pid == 0)
			wait_ms = clock_shorter_ms(wait_ms, until(child->respawn_ms, now_ms));
		if (child->owed != 0 && child_repeat_orders(child, errlog_descriptor()))
			wait_ms = clock_shorter_ms(wait_ms, REPEAT_MS);
		wait_ms = clock_shorter_ms(wait_ms, hurry(crew, child, now_ms));
	}
	return wait_ms;
}

struct child *
crew_reap(struct crew *crew, int *status)
{
	for (size_t slot = 0; slot < crew->slots; slot++) {
		struct child *child = &crew->children[slot];
		char name[32];
		snprintf(name, sizeof name, "worker %zu", slot + 1);
		if (!child_reap(child, name, status))
			continue;
		roster_bury(crew->shared->roster, slot);
		scoreboard_free_slot(crew->shared->board, slot);
		if (*status != EX_OK)
			scoreboard_count_death(crew->shared->board);
		return child;
	}
	return NULL;
}
