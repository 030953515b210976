/* SPDX-License-Identifier: ISC */
/*
 * The workers' counters.  A slot has cache lines of its own, so that counting in one worker costs
 * the others nothing.
 */
#include "shm/scoreboard.h"

#include <stdalign.h>

#include "shm/region.h"

struct slot {
	alignas(REGION_LINE_BYTES) _Atomic uint64_t counts[COUNTS];
};

struct scoreboard {
	size_t workers;
	struct slot slots[];
};

size_t
scoreboard_size(size_t workers)
{
	return sizeof(struct scoreboard) + workers * sizeof(struct slot);
}

void
scoreboard_init(void *memory, size_t workers)
{
	struct scoreboard *board = memory;
	board->workers = workers;
}

void
scoreboard_add(struct scoreboard *board, size_t worker, size_t count, uint64_t n)
{
	atomic_fetch_add_explicit(&board->slots[worker].counts[count], n, memory_order_relaxed);
}

void
scoreboard_add_verdicts(
	struct scoreboard *board, size_t worker, const uint64_t verdicts[static VERDICTS])
{
	uint64_t lines = 0;
	for (size_t i = 0; i < VERDICTS; i++) {
		if (verdicts[i] > 0)
			scoreboard_add(board, worker, i, verdicts[i]);
		lines += verdicts[i];
	}
	/* Whoever sees these lines sees their verdicts; see scoreboard_totals(). */
	atomic_fetch_add_explicit(
		&board->slots[worker].counts[COUNT_LINES], lines, memory_order_release);
}

struct scoreboard_totals
scoreboard_totals(const struct scoreboard *board)
{
	struct scoreboard_totals totals = {{0}};
	for (size_t worker = 0; worker < board->workers; worker++) {
		const struct slot *slot = &board->slots[worker];
		totals.counts[COUNT_LINES] += atomic_load_explicit(
			&slot->counts[COUNT_LINES], memory_order_acquire);
		for (size_t i = 0; i < COUNTS; i++) {
			if (i != COUNT_LINES)
				totals.counts[i] += atomic_load_explicit(
					&slot->counts[i], memory_order_relaxed);
		}
	}
	return totals;
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
		[COUNT_IDLE_CLOSED] = "idle_closed",
		[COUNT_SEND_CLOSED] = "send_closed",
		[COUNT_STORAGE_ERRORS] = "storage_errors",
	};
	return names[count] != NULL ? names[count] : verdict_name((enum verdict)count);
}
