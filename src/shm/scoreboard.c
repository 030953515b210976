/* SPDX-License-Identifier: ISC */
/*
 * The board.  A slot has cache lines of its own, so that counting in one worker costs the others
 * nothing.  Its counters only grow; `began` holds what they were when its worker took it over.
 */
#include "shm/scoreboard.h"

#include <bsd/string.h>
#include <stdalign.h>

#include "shm/published.h"
#include "shm/region.h"

enum { READ_TRIES = 1000 };

/* The supervisor's. */
struct life {
	alignas(REGION_LINE_BYTES) _Atomic int64_t beat_ms;
};

/* The forwarder's. */
struct freight {
	alignas(REGION_LINE_BYTES) struct shipping shipping;
};

struct slot {
	/* Odd while the slot changes hands. */
	alignas(REGION_LINE_BYTES) _Atomic uint64_t tenancy;
	_Atomic uint64_t began[COUNTS];
	_Atomic int64_t pid, born_us;
	_Atomic uint64_t worker_generation;

	/* written by the worker: seldom, */
	_Atomic uint64_t most_clients, settings_generation, log_generation, log_tried;

	/* and often */
	alignas(REGION_LINE_BYTES) _Atomic uint64_t counts[COUNTS];
	_Atomic uint64_t state, clients;
	_Atomic int64_t beat_ms, cpu_us;
	_Atomic uint64_t resident_bytes;
	_Atomic int64_t log_error;
	_Atomic int64_t store_error, store_since_us, store_failed_us;
	_Atomic uint64_t times[HISTOGRAM_BUCKETS], times_sum_us;
};

/* struct scoreboard is memory and no more: the announcements, the supervisor's life, the
 * forwarder's words, then the slots. */
static size_t
life_at(void)
{
	return published_size(sizeof(struct board_info));
}

static size_t
freight_at(void)
{
	return life_at() + sizeof(struct life);
}

static size_t
first_slot_at(void)
{
	return freight_at() + sizeof(struct freight);
}

size_t
scoreboard_size(size_t slots)
{
	return first_slot_at() + slots * sizeof(struct slot);
}

static struct published *
info_of(const struct scoreboard *board)
{
	return (struct published *)(uintptr_t)board;
}

static struct life *
life_of(const struct scoreboard *board)
{
	return (void *)((char *)(uintptr_t)board + life_at());
}

struct shipping *
scoreboard_shipping(const struct scoreboard *board)
{
	return (void *)((char *)(uintptr_t)board + freight_at());
}

static struct slot *
slot_of(const struct scoreboard *board, size_t slot)
{
	struct slot *first = (void *)((char *)(uintptr_t)board + first_slot_at());
	return first + slot;
}

void
scoreboard_init(void *memory)
{
	published_init(memory, sizeof(struct board_info));
}

bool
scoreboard_is_sound(const struct scoreboard *board)
{
	return published_is_sound(info_of(board), sizeof(struct board_info));
}

static uint64_t
get(const _Atomic uint64_t *number)
{
	return atomic_load_explicit(number, memory_order_acquire);
}

static void
set(_Atomic uint64_t *number, uint64_t value)
{
	atomic_store_explicit(number, value, memory_order_release);
}

void
scoreboard_info(const struct scoreboard *board, struct board_info *info)
{
	/* In a file that was spoiled no try may be good; then it says what it says. */
	uint64_t generation;
	for (int i = 0; i < READ_TRIES; i++) {
		if (published_try_read(info_of(board), info, sizeof *info, &generation))
			break;
	}
	info->errors[sizeof info->errors - 1] = '\0';
	info->listening[sizeof info->listening - 1] = '\0';
}

void
scoreboard_set_info(struct scoreboard *board, const struct board_info *info)
{
	published_write(info_of(board), info, sizeof *info);
}

void
scoreboard_set_daemon_state(struct scoreboard *board, enum board_state state)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.state = state;
	scoreboard_set_info(board, &info);
}

void
scoreboard_reload_asked(struct scoreboard *board)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.reloads_asked++;
	scoreboard_set_info(board, &info);
}

void
scoreboard_reload_finished(struct scoreboard *board, uint64_t asked, uint64_t settings_generation,
	uint64_t errors, const char *text, int64_t now_us)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.reloads_finished = asked;
	info.settings_generation = settings_generation;
	info.reload_errors = errors;
	info.reloaded_us = now_us;
	strlcpy(info.errors, text == NULL ? "" : text, sizeof info.errors);
	scoreboard_set_info(board, &info);
}

uint64_t
scoreboard_ask_log(struct scoreboard *board)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.log_generation++;
	scoreboard_set_info(board, &info);
	return info.log_generation;
}

void
scoreboard_count_death(struct scoreboard *board)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.worker_deaths++;
	scoreboard_set_info(board, &info);
}

void
scoreboard_beat(struct scoreboard *board, int64_t mono_ms)
{
	atomic_store_explicit(&life_of(board)->beat_ms, mono_ms, memory_order_relaxed);
}

int64_t
scoreboard_beat_ms(const struct scoreboard *board)
{
	return atomic_load_explicit(&life_of(board)->beat_ms, memory_order_relaxed);
}

void
scoreboard_beat_slot(struct scoreboard *board, size_t slot, int64_t mono_ms)
{
	atomic_store_explicit(&slot_of(board, slot)->beat_ms, mono_ms, memory_order_relaxed);
}

void
scoreboard_count_monitor_death(struct scoreboard *board)
{
	struct board_info info;
	scoreboard_info(board, &info);
	info.monitor_deaths++;
	scoreboard_set_info(board, &info);
}

void
scoreboard_give_slot(
	struct scoreboard *board, size_t number, uint64_t worker_generation, int64_t now_us)
{
	struct slot *slot = slot_of(board, number);
	atomic_fetch_add(&slot->tenancy, 1);
	for (size_t i = 0; i < COUNTS; i++)
		set(&slot->began[i], get(&slot->counts[i]));
	set(&slot->clients, 0);
	set(&slot->most_clients, 0);
	set(&slot->settings_generation, 0);
	set(&slot->log_generation, 0);
	set(&slot->log_tried, 0);
	atomic_store(&slot->log_error, 0);
	atomic_store(&slot->beat_ms, 0);
	atomic_store(&slot->cpu_us, 0);
	set(&slot->resident_bytes, 0);
	atomic_store(&slot->store_error, 0);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->born_us, now_us);
	set(&slot->worker_generation, worker_generation);
	set(&slot->state, SLOT_STARTING);
	atomic_fetch_add(&slot->tenancy, 1);
}

void
scoreboard_set_pid(struct scoreboard *board, size_t slot, pid_t pid)
{
	atomic_store(&slot_of(board, slot)->pid, pid);
}

void
scoreboard_free_slot(struct scoreboard *board, size_t number)
{
	struct slot *slot = slot_of(board, number);
	atomic_fetch_add(&slot->tenancy, 1);
	atomic_store(&slot->pid, 0);
	set(&slot->clients, 0);
	set(&slot->state, SLOT_FREE);
	atomic_fetch_add(&slot->tenancy, 1);
}

void
scoreboard_set_state(struct scoreboard *board, size_t slot, enum slot_state state)
{
	set(&slot_of(board, slot)->state, state);
}

void
scoreboard_set_clients(struct scoreboard *board, size_t slot, size_t clients)
{
	set(&slot_of(board, slot)->clients, clients);
}

void
scoreboard_set_most_clients(struct scoreboard *board, size_t slot, size_t most)
{
	set(&slot_of(board, slot)->most_clients, most);
}

void
scoreboard_set_settings(struct scoreboard *board, size_t slot, uint64_t generation)
{
	set(&slot_of(board, slot)->settings_generation, generation);
}

void
scoreboard_set_log(struct scoreboard *board, size_t number, uint64_t generation, int error)
{
	struct slot *slot = slot_of(board, number);
	atomic_store(&slot->log_error, error);
	if (error == 0)
		set(&slot->log_generation, generation);
	/* Last, and read first: whoever sees that it was tried sees what came of it. */
	set(&slot->log_tried, generation);
}

void
scoreboard_set_stored(struct scoreboard *board, size_t number, int error, int64_t now_us)
{
	struct slot *slot = slot_of(board, number);
	int64_t before = atomic_load_explicit(&slot->store_error, memory_order_relaxed);
	if (error == 0 && before == 0)
		return;
	if (before == 0)
		atomic_store(&slot->store_since_us, now_us);
	if (error != 0)
		atomic_store(&slot->store_failed_us, now_us);
	/* Last: whoever sees that it fails sees since when. */
	atomic_store(&slot->store_error, error);
}

void
scoreboard_set_usage(struct scoreboard *board, size_t slot, int64_t cpu_us, uint64_t resident_bytes)
{
	atomic_store(&slot_of(board, slot)->cpu_us, cpu_us);
	set(&slot_of(board, slot)->resident_bytes, resident_bytes);
}

void
scoreboard_add(struct scoreboard *board, size_t slot, size_t count, uint64_t n)
{
	/* Whoever sees it sees also that the slot is ours: see scoreboard_read_slot(). */
	atomic_fetch_add_explicit(&slot_of(board, slot)->counts[count], n, memory_order_release);
}

void
scoreboard_add_verdicts(
	struct scoreboard *board, size_t slot, const uint64_t verdicts[static VERDICTS])
{
	for (size_t i = 0; i < VERDICTS; i++) {
		if (verdicts[i] > 0)
			scoreboard_add(board, slot, i, verdicts[i]);
	}
}

void
scoreboard_observe(struct scoreboard *board, size_t slot, int64_t microseconds, uint64_t lines)
{
	struct slot *mine = slot_of(board, slot);
	size_t bucket = histogram_bucket(microseconds);
	uint64_t sum_us = microseconds > 0 ? (uint64_t)microseconds * lines : 0;
	atomic_fetch_add_explicit(&mine->times[bucket], lines, memory_order_relaxed);
	atomic_fetch_add_explicit(&mine->times_sum_us, sum_us, memory_order_relaxed);
}

/* The lines are what the verdicts say: a worker killed between two counters leaves no gap. */
static void
sum_lines(struct scoreboard_totals *totals)
{
	totals->counts[COUNT_LINES] = 0;
	for (size_t i = 0; i < VERDICTS; i++)
		totals->counts[COUNT_LINES] += totals->counts[i];
}

struct scoreboard_totals
scoreboard_totals(const struct scoreboard *board, size_t slots)
{
	struct scoreboard_totals totals = {{0}};
	for (size_t number = 0; number < slots; number++) {
		const struct slot *slot = slot_of(board, number);
		for (size_t i = 0; i < COUNTS; i++)
			totals.counts[i] += get(&slot->counts[i]);
	}
	sum_lines(&totals);
	return totals;
}

void
scoreboard_times(const struct scoreboard *board, size_t slots, struct histogram *times)
{
	*times = (struct histogram){0};
	for (size_t number = 0; number < slots; number++) {
		const struct slot *slot = slot_of(board, number);
		for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
			times->buckets[i] += get(&slot->times[i]);
		times->sum_us += get(&slot->times_sum_us);
	}
}

static void
copy_slot(const struct slot *slot, struct scoreboard_slot *out)
{
	out->pid = (pid_t)atomic_load(&slot->pid);
	out->born_us = atomic_load(&slot->born_us);
	out->beat_ms = atomic_load(&slot->beat_ms);
	out->cpu_us = atomic_load(&slot->cpu_us);
	out->resident_bytes = get(&slot->resident_bytes);
	out->worker_generation = get(&slot->worker_generation);
	out->state = (enum slot_state)get(&slot->state);
	out->clients = get(&slot->clients);
	out->most_clients = get(&slot->most_clients);
	out->settings_generation = get(&slot->settings_generation);
	out->log_tried = get(&slot->log_tried);
	out->log_generation = get(&slot->log_generation);
	out->log_error = (int)atomic_load(&slot->log_error);
	out->store_error = (int)atomic_load(&slot->store_error);
	out->store_since_us = atomic_load(&slot->store_since_us);
	out->store_failed_us = atomic_load(&slot->store_failed_us);
	for (size_t i = 0; i < COUNTS; i++) {
		uint64_t began = get(&slot->began[i]);
		out->totals.counts[i] = get(&slot->counts[i]) - began;
	}
	sum_lines(&out->totals);
}

bool
scoreboard_read_slot(const struct scoreboard *board, size_t number, struct scoreboard_slot *out)
{
	const struct slot *slot = slot_of(board, number);
	/* A supervisor killed here leaves it odd for ever; its daemon is gone, and so is the slot. */
	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t tenancy = get(&slot->tenancy);
		copy_slot(slot, out);
		if (tenancy % 2 == 0 && get(&slot->tenancy) == tenancy)
			return out->state != SLOT_FREE;
	}
	return false;
}

const char *
count_name(size_t count)
{
	static const char *const names[COUNTS] = {
		[COUNT_LINES] = "lines",
		[COUNT_BYTES_IN] = "bytes_in",
		[COUNT_BATCHES] = "batches",
		[COUNT_ACCEPTED] = "accepted",
		[COUNT_BUSY] = "busy",
		[COUNT_DENIED] = "denied",
		[COUNT_PROXY_FAILED] = "proxy_failed",
		[COUNT_HANDSHAKE_FAILED] = "handshake_failed",
		[COUNT_IDLE_CLOSED] = "idle_closed",
		[COUNT_READ_CLOSED] = "read_closed",
		[COUNT_SEND_CLOSED] = "send_closed",
		[COUNT_STORAGE_ERRORS] = "storage_errors",
		[COUNT_LOCK_WAITS] = "lock_waits",
	};
	return names[count] != NULL ? names[count] : verdict_name((enum verdict)count);
}

const char *
board_state_name(int64_t state)
{
	static const char *const names[BOARD_STATES] = {"starting", "running", "stopping"};
	return state >= 0 && state < BOARD_STATES ? names[state] : "unknown";
}

const char *
slot_state_name(enum slot_state state)
{
	static const char *const names[SLOT_STATES] = {
		"free", "starting", "serving", "retiring", "draining"};
	return (size_t)state < SLOT_STATES ? names[state] : "unknown";
}
