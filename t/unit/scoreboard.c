/* SPDX-License-Identifier: ISC */
/* The board: nothing lost, no reading that goes back, lines that are what the verdicts say. */
#include "shm/scoreboard.h"

#include <pthread.h>

#include "base/clock.h"
#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { WORKERS = 2, THREADS = 2, ROUNDS = 20000, READINGS_MS = 1000 };

static struct scoreboard *
board_new(size_t workers)
{
	struct scoreboard *board = region_map(scoreboard_size(workers));
	CU_ASSERT_PTR_NOT_NULL_FATAL(board);
	scoreboard_init(board);
	return board;
}

static uint64_t
verdict_sum(const struct scoreboard_totals *totals)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < VERDICTS; i++)
		sum += totals->counts[i];
	return sum;
}

static void
adds(void)
{
	struct scoreboard *board = board_new(3);
	for (size_t worker = 0; worker < 3; worker++)
		for (size_t count = 0; count < COUNTS; count++)
			scoreboard_add(board, worker, count, count + 1);
	struct scoreboard_totals totals = scoreboard_totals(board, 3);
	for (size_t count = 0; count < COUNTS; count++)
		if (count != COUNT_LINES)
			CU_ASSERT_EQUAL(totals.counts[count], 3 * (count + 1));
	CU_ASSERT_EQUAL(totals.counts[COUNT_LINES], verdict_sum(&totals));
	region_unmap(board, scoreboard_size(3));
}

static void
verdicts(void)
{
	struct scoreboard *board = board_new(1);
	uint64_t batch[VERDICTS];
	for (size_t i = 0; i < VERDICTS; i++)
		batch[i] = i * i;
	scoreboard_add_verdicts(board, 0, batch);
	scoreboard_add_verdicts(board, 0, batch);
	struct scoreboard_totals totals = scoreboard_totals(board, 1);
	for (size_t i = 0; i < VERDICTS; i++)
		CU_ASSERT_EQUAL(totals.counts[i], 2 * i * i);
	CU_ASSERT_EQUAL(totals.counts[COUNT_LINES], verdict_sum(&totals));
	CU_ASSERT_EQUAL(totals.counts[COUNT_BYTES_IN], 0);
	region_unmap(board, scoreboard_size(1));
}

struct counting {
	struct scoreboard *board;
	size_t worker;
};

static void *
settle(void *arg)
{
	struct counting *counting = arg;
	uint64_t batch[VERDICTS] = {0};
	for (unsigned i = 0; i < ROUNDS; i++) {
		batch[i % VERDICTS] = i % 7;
		scoreboard_add_verdicts(counting->board, counting->worker, batch);
		scoreboard_add(counting->board, counting->worker, COUNT_BATCHES, 1);
	}
	return NULL;
}

static void
settle_in_threads(void *arg)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, settle, arg) != 0)
			_exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Reads all the while; a child's end shows in its batches, so the loop ends with the last one. */
static void
readings(void)
{
	struct scoreboard *board = board_new(WORKERS);
	struct counting counting[WORKERS];
	pid_t pids[WORKERS];
	for (size_t i = 0; i < WORKERS; i++) {
		counting[i] = (struct counting){board, i};
		pids[i] = child_start(settle_in_threads, &counting[i]);
	}
	struct scoreboard_totals last = {{0}}, totals;
	unsigned long unequal = 0, backwards = 0;
	do {
		totals = scoreboard_totals(board, WORKERS);
		unequal += totals.counts[COUNT_LINES] != verdict_sum(&totals);
		for (size_t i = 0; i < COUNTS; i++)
			backwards += totals.counts[i] < last.counts[i];
		last = totals;
	} while (totals.counts[COUNT_BATCHES] < (uint64_t)WORKERS * THREADS * ROUNDS);
	for (size_t i = 0; i < WORKERS; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	totals = scoreboard_totals(board, WORKERS);
	CU_ASSERT_EQUAL(unequal, 0);
	CU_ASSERT_EQUAL(backwards, 0);
	CU_ASSERT_EQUAL(totals.counts[COUNT_LINES], verdict_sum(&totals));
	CU_ASSERT_EQUAL(totals.counts[COUNT_BATCHES], (uint64_t)WORKERS * THREADS * ROUNDS);
	region_unmap(board, scoreboard_size(WORKERS));
}

/* Two tenants of each slot after another, the first one killed at work. */
static void
tenants(void)
{
	enum { KILLS = 20 };
	struct scoreboard *board = board_new(WORKERS);
	struct scoreboard_totals last = {{0}};
	unsigned long unequal = 0, backwards = 0;
	for (int64_t kill = 0; kill < KILLS; kill++) {
		struct counting counting = {board, (size_t)kill % WORKERS};
		scoreboard_give_slot(board, counting.worker, (uint64_t)kill, 1000 + kill);
		pid_t pid = child_start(settle_in_threads, &counting);
		scoreboard_set_pid(board, counting.worker, pid);
		struct scoreboard_slot slot;
		do {
			CU_ASSERT(scoreboard_read_slot(board, counting.worker, &slot));
		} while (slot.totals.counts[COUNT_BATCHES] < 100);
		CU_ASSERT_EQUAL(slot.pid, pid);
		CU_ASSERT_EQUAL(slot.worker_generation, (uint64_t)kill);
		child_kill(pid);
		scoreboard_free_slot(board, counting.worker);
		CU_ASSERT(!scoreboard_read_slot(board, counting.worker, &slot));
		struct scoreboard_totals totals = scoreboard_totals(board, WORKERS);
		unequal += totals.counts[COUNT_LINES] != verdict_sum(&totals);
		for (size_t i = 0; i < COUNTS; i++)
			backwards += totals.counts[i] < last.counts[i];
		last = totals;
	}
	CU_ASSERT_EQUAL(unequal, 0);
	CU_ASSERT_EQUAL(backwards, 0);
	CU_ASSERT(last.counts[COUNT_BATCHES] >= KILLS * 100);
	region_unmap(board, scoreboard_size(WORKERS));
}

struct handover {
	struct scoreboard *board;
	_Atomic uint32_t readings; /* of a tenant that had not been seen before */
};

/* Whoever reads the slot under tenant n finds what tenant n did, never what another one did. */
static void
read_tenants(void *arg)
{
	struct handover *handover = arg;
	struct scoreboard_totals last = {{0}};
	uint64_t tenant = 0;
	unsigned wrong = 0;
	int64_t deadline_ms = clock_mono_ms() + READINGS_MS;
	while (handover->readings < ROUNDS && wrong == 0 && clock_mono_ms() < deadline_ms) {
		struct scoreboard_slot slot;
		if (scoreboard_read_slot(handover->board, 0, &slot)) {
			handover->readings += slot.worker_generation != tenant;
			tenant = slot.worker_generation;
			wrong += slot.born_us != (int64_t)slot.worker_generation;
			wrong += slot.totals.counts[COUNT_BUSY] > 1;
			wrong += slot.totals.counts[COUNT_LINES] > 1;
		}
		struct scoreboard_totals totals = scoreboard_totals(handover->board, 1);
		wrong += totals.counts[COUNT_BUSY] < last.counts[COUNT_BUSY];
		wrong += totals.counts[COUNT_LINES] < last.counts[COUNT_LINES];
		last = totals;
	}
	wrong += handover->readings == 0;
	handover->readings = ROUNDS;
	_exit(wrong > 0);
}

static void
handovers(void)
{
	static const uint64_t one[VERDICTS] = {[VERDICT_MISSING] = 1};
	struct handover *handover = region_map(sizeof *handover);
	handover->board = board_new(1);
	pid_t pid = child_start(read_tenants, handover);
	for (int64_t i = 0; handover->readings < ROUNDS; i++) {
		scoreboard_give_slot(handover->board, 0, (uint64_t)i, i);
		scoreboard_add(handover->board, 0, COUNT_BUSY, 1);
		scoreboard_add_verdicts(handover->board, 0, one);
		scoreboard_free_slot(handover->board, 0);
	}
	CU_ASSERT(child_succeeded(pid));
	region_unmap(handover->board, scoreboard_size(1));
	region_unmap(handover, sizeof *handover);
}

static void
slots(void)
{
	struct scoreboard *board = board_new(3);
	struct scoreboard_slot slot;
	for (size_t i = 0; i < 3; i++)
		scoreboard_give_slot(board, i, 1, 0);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.state, SLOT_STARTING);
	scoreboard_set_state(board, 1, SLOT_SERVING);
	scoreboard_set_clients(board, 1, 12);
	scoreboard_set_most_clients(board, 1, 64);
	scoreboard_set_settings(board, 1, 5);
	scoreboard_set_log(board, 1, 3, 0);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.state, SLOT_SERVING);
	CU_ASSERT_EQUAL(slot.clients, 12);
	CU_ASSERT_EQUAL(slot.most_clients, 64);
	CU_ASSERT_EQUAL(slot.settings_generation, 5);
	CU_ASSERT_EQUAL(slot.log_generation, 3);
	scoreboard_set_log(board, 1, 4, 28);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.log_generation, 3);
	CU_ASSERT_EQUAL(slot.log_tried, 4);
	CU_ASSERT_EQUAL(slot.log_error, 28);
	scoreboard_free_slot(board, 1);
	CU_ASSERT(!scoreboard_read_slot(board, 1, &slot));
	scoreboard_give_slot(board, 1, 2, 0);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(
		slot.clients + slot.most_clients + slot.settings_generation + slot.log_generation,
		0);
	CU_ASSERT_EQUAL(slot.log_error, 0);
	region_unmap(board, scoreboard_size(3));
}

static void
storing(void)
{
	struct scoreboard *board = board_new(2);
	struct scoreboard_slot slot;
	scoreboard_give_slot(board, 1, 1, 0);
	scoreboard_set_stored(board, 1, 0, 5);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.store_error, 0);
	scoreboard_set_stored(board, 1, 28, 10);
	scoreboard_set_stored(board, 1, 5, 20);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.store_error, 5);
	CU_ASSERT_EQUAL(slot.store_since_us, 10);
	CU_ASSERT_EQUAL(slot.store_failed_us, 20);
	scoreboard_set_stored(board, 1, 0, 30);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.store_error, 0);
	scoreboard_set_stored(board, 1, 28, 40);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.store_since_us, 40);
	scoreboard_free_slot(board, 1);
	scoreboard_give_slot(board, 1, 2, 0);
	CU_ASSERT(scoreboard_read_slot(board, 1, &slot));
	CU_ASSERT_EQUAL(slot.store_error, 0);
	region_unmap(board, scoreboard_size(2));
}

static void
announcements(void)
{
	struct scoreboard *board = board_new(1);
	struct board_info info = {.pid = 7, .started_us = 9, .listening = "127.0.0.1:9000\n"};
	scoreboard_set_info(board, &info);
	scoreboard_set_daemon_state(board, BOARD_RUNNING);
	scoreboard_reload_asked(board);
	scoreboard_count_death(board);
	scoreboard_count_monitor_death(board);
	CU_ASSERT_EQUAL(scoreboard_ask_log(board), 1);
	scoreboard_reload_asked(board);
	CU_ASSERT_EQUAL(scoreboard_ask_log(board), 2);
	char text[BOARD_ERRORS_MAX + 100];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	scoreboard_reload_finished(board, 2, 4, 3, text, 11);
	scoreboard_info(board, &info);
	CU_ASSERT_EQUAL(info.pid, 7);
	CU_ASSERT_EQUAL(info.state, BOARD_RUNNING);
	CU_ASSERT_EQUAL(info.worker_deaths, 1);
	CU_ASSERT_EQUAL(info.monitor_deaths, 1);
	CU_ASSERT_EQUAL(info.reloads_asked, 2);
	CU_ASSERT_EQUAL(info.reloads_finished, 2);
	CU_ASSERT_EQUAL(info.settings_generation, 4);
	CU_ASSERT_EQUAL(info.reload_errors, 3);
	CU_ASSERT_EQUAL(info.reloaded_us, 11);
	CU_ASSERT_EQUAL(info.log_generation, 2);
	CU_ASSERT_EQUAL(strlen(info.errors), BOARD_ERRORS_MAX - 1);
	CU_ASSERT_STRING_EQUAL(info.listening, "127.0.0.1:9000\n");
	scoreboard_reload_finished(board, 3, 5, 0, NULL, 12);
	scoreboard_info(board, &info);
	CU_ASSERT_STRING_EQUAL(info.errors, "");
	region_unmap(board, scoreboard_size(1));
}

static void
times(void)
{
	struct scoreboard *board = board_new(2);
	struct histogram histogram;
	scoreboard_observe(board, 0, 100, 50);
	scoreboard_observe(board, 1, 10000, 50);
	scoreboard_times(board, 2, &histogram);
	CU_ASSERT_EQUAL(histogram.buckets[histogram_bucket(100)], 50);
	CU_ASSERT_EQUAL(histogram.buckets[histogram_bucket(10000)], 50);
	CU_ASSERT_EQUAL(histogram.sum_us, 50 * 100 + 50 * 10000);
	scoreboard_give_slot(board, 0, 1, 0);
	scoreboard_times(board, 2, &histogram);
	CU_ASSERT_EQUAL(histogram.buckets[histogram_bucket(100)], 50);
	region_unmap(board, scoreboard_size(2));
}

enum { REOPENINGS = 300000 };

static void *
reopen_again_and_again(void *arg)
{
	for (uint64_t generation = 2; generation <= REOPENINGS; generation++)
		scoreboard_set_log(arg, 0, generation, 0);
	return NULL;
}

/* Whoever sees that a reopening was tried sees that it went well. */
static void
reopenings(void)
{
	struct scoreboard *board = board_new(1);
	struct scoreboard_slot seen = {.log_generation = 0};
	int wrong = 0;
	pthread_t thread;
	scoreboard_give_slot(board, 0, 1, 0);
	scoreboard_set_log(board, 0, 1, 0);
	CU_ASSERT_EQUAL(pthread_create(&thread, NULL, reopen_again_and_again, board), 0);
	while (seen.log_generation < REOPENINGS) {
		CU_ASSERT_TRUE_FATAL(scoreboard_read_slot(board, 0, &seen));
		wrong += seen.log_tried > seen.log_generation;
	}
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	region_unmap(board, scoreboard_size(1));
}

/* Whatever a file holds that another program wrote: what is read means nothing, but it is read. */
static void
spoiled(void)
{
	struct scoreboard *board = board_new(3);
	struct board_info info;
	struct scoreboard_slot slot;
	struct histogram histogram;
	memset(board, 0xfe, scoreboard_size(3));
	memset(board, 0x7f, 8); /* generation: the one that is being written is far from it */
	CU_ASSERT(!scoreboard_is_sound(board));
	scoreboard_info(board, &info);
	CU_ASSERT(strlen(info.errors) < sizeof info.errors);
	CU_ASSERT_EQUAL(
		scoreboard_totals(board, 3).counts[COUNT_BUSY], 3 * UINT64_C(0xfefefefefefefefe));
	scoreboard_times(board, 3, &histogram);
	CU_ASSERT_EQUAL(histogram.buckets[0], 3 * UINT64_C(0xfefefefefefefefe));
	CU_ASSERT(scoreboard_read_slot(board, 2, &slot));
	CU_ASSERT_STRING_EQUAL(slot_state_name(slot.state), "unknown");
	region_unmap(board, scoreboard_size(3));
}

static void
names(void)
{
	for (size_t a = 0; a < COUNTS; a++) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(count_name(a));
		for (size_t b = 0; b < a; b++)
			CU_ASSERT(strcmp(count_name(a), count_name(b)) != 0);
	}
	CU_ASSERT_STRING_EQUAL(count_name(VERDICT_RECEIVED), "received");
	CU_ASSERT_STRING_EQUAL(count_name(COUNT_LINES), "lines");
	CU_ASSERT_STRING_EQUAL(count_name(COUNT_BUSY), "busy");
	CU_ASSERT_STRING_EQUAL(slot_state_name(SLOT_DRAINING), "draining");
	CU_ASSERT_STRING_EQUAL(slot_state_name((enum slot_state)99), "unknown");
	CU_ASSERT_STRING_EQUAL(board_state_name(BOARD_STOPPING), "stopping");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every counter of every worker is summed", adds},
		{"verdicts and their sum", verdicts},
		{"lines are the sum of verdicts in every reading, and none goes back", readings},
		{"workers killed at work, and those after them", tenants},
		{"a slot is read under one worker", handovers},
		{"slots are given, used and freed", slots},
		{"what came of a reopening", reopenings},
		{"what came of appends", storing},
		{"what the supervisor announces", announcements},
		{"times of all workers", times},
		{"a spoiled board is read to its end", spoiled},
		{"every counter has a name of its own", names},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("scoreboard", cases);
}
