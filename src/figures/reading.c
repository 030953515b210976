/* SPDX-License-Identifier: ISC */
/* Readings of the scoreboard. */
#include "figures/reading.h"

#include <stdlib.h>

#include "base/clock.h"

int
reading_take(struct reading *reading, const struct shared *shared)
{
	const struct scoreboard *board = shared->board;
	size_t slots = shared->slots;
	struct clock_time now = clock_read();
	*reading = (struct reading){
		.mono_ms = now.mono_us / 1000, .wall_us = now.wall_us, .pid = shared->pid};
	reading->workers = calloc(slots, sizeof *reading->workers);
	if (reading->workers == NULL)
		return -1;
	scoreboard_info(board, &reading->info);
	if (reading->pid == SHARED_UNSEEN)
		reading->pid = (pid_t)reading->info.pid;
	reading->beat_ms = scoreboard_beat_ms(board);
	scoreboard_times(board, slots, &reading->times);
	reading->totals = scoreboard_totals(board, slots);
	reading->limiter = limiter_stats(shared->limiter);
	shipping_figures(scoreboard_shipping(board), &reading->shipping);
	for (size_t slot = 0; slot < slots; slot++) {
		struct worker_reading *worker = &reading->workers[reading->worker_count];
		worker->slot = slot;
		reading->worker_count += scoreboard_read_slot(board, slot, &worker->seen);
	}
	return 0;
}

void
reading_fini(struct reading *reading)
{
	free(reading->workers);
	reading->workers = NULL;
}

int64_t
reading_age_ms(const struct reading *reading, int64_t since_us)
{
	int64_t age_us;
	return __builtin_sub_overflow(reading->wall_us, since_us, &age_us) ? 0 : age_us / 1000;
}

int64_t
reading_silence_ms(const struct reading *reading, int64_t beat_ms)
{
	int64_t silence_ms;
	if (beat_ms <= 0 || __builtin_sub_overflow(reading->mono_ms, beat_ms, &silence_ms))
		return 0;
	return silence_ms > 0 ? silence_ms : 0;
}

int64_t
reading_lag_ms(const struct reading *reading)
{
	int64_t since_us = reading->shipping.lag_since_us;
	int64_t lag_ms = since_us == 0 ? 0 : reading_age_ms(reading, since_us);
	return lag_ms > 0 ? lag_ms : 0;
}

uint64_t
reading_clients(const struct reading *reading)
{
	uint64_t clients = 0;
	for (size_t i = 0; i < reading->worker_count; i++)
		clients += reading->workers[i].seen.clients;
	return clients;
}

static const struct worker_reading *
find_same(const struct reading *reading, const struct worker_reading *worker)
{
	for (size_t i = 0; reading != NULL && i < reading->worker_count; i++) {
		const struct worker_reading *other = &reading->workers[i];
		if (other->slot == worker->slot && other->seen.born_us == worker->seen.born_us)
			return other;
	}
	return NULL;
}

struct scoreboard_totals
reading_since(const struct worker_reading *worker, const struct reading *earlier)
{
	struct scoreboard_totals since = worker->seen.totals;
	const struct worker_reading *before = find_same(earlier, worker);
	for (size_t i = 0; before != NULL && i < COUNTS; i++)
		since.counts[i] -= before->seen.totals.counts[i];
	return since;
}
