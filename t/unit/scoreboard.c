/* SPDX-License-Identifier: ISC */
/* The board: nothing lost, no reading that goes back, lines that are what the verdicts say. */
#include "shm/scoreboard.h"

#include <pthread.h>

#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { WORKERS = 2, THREADS = 2, ROUNDS = 20000 };

static struct scoreboard *
board_new(size_t workers)
{
	struct scoreboard *board = region_map(scoreboard_size(workers));
	CU_ASSERT_PTR_NOT_NULL_FATAL(board);
	scoreboard_init(board, workers);
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
	struct scoreboard_totals totals = scoreboard_totals(board);
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
	struct scoreboard_totals totals = scoreboard_totals(board);
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
		totals = scoreboard_totals(board);
		unequal += totals.counts[COUNT_LINES] != verdict_sum(&totals);
		for (size_t i = 0; i < COUNTS; i++)
			backwards += totals.counts[i] < last.counts[i];
		last = totals;
	} while (totals.counts[COUNT_BATCHES] < (uint64_t)WORKERS * THREADS * ROUNDS);
	for (size_t i = 0; i < WORKERS; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	totals = scoreboard_totals(board);
	CU_ASSERT_EQUAL(unequal, 0);
	CU_ASSERT_EQUAL(backwards, 0);
	CU_ASSERT_EQUAL(totals.counts[COUNT_LINES], verdict_sum(&totals));
	CU_ASSERT_EQUAL(totals.counts[COUNT_BATCHES], (uint64_t)WORKERS * THREADS * ROUNDS);
	region_unmap(board, scoreboard_size(WORKERS));
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
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every counter of every worker is summed", adds},
		{"verdicts and their sum", verdicts},
		{"lines are the sum of verdicts in every reading, and none goes back", readings},
		{"every counter has a name of its own", names},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("scoreboard", cases);
}
