/* SPDX-License-Identifier: ISC */
/* All that the scoreboard says at one moment, copied.  One thread. */
#ifndef FIGURES_READING_H
#define FIGURES_READING_H

#include <stddef.h>
#include <stdint.h>

#include "shm/shared.h"

struct worker_reading {
	size_t slot;
	struct scoreboard_slot seen;
};

struct reading {
	int64_t mono_ms, wall_us;
	pid_t pid; /* of the supervisor */
	struct board_info info;
	int64_t beat_ms; /* the supervisor's */
	struct scoreboard_totals totals;
	struct histogram times;
	struct limiter_stats limiter;
	struct shipping_figures shipping;
	struct worker_reading *workers; /* by slot */
	size_t worker_count;
};

/* Reads.  0, or -1 with errno ENOMEM and nothing to be freed. */
int reading_take(struct reading *reading, const struct shared *shared);
void reading_fini(struct reading *reading);

/* How long ago that was, on the wall clock; 0 where the board says what cannot be. */
int64_t reading_age_ms(const struct reading *reading, int64_t since_us);

/*
 * How long nobody has seen a sign of life of it, in milliseconds, by one of the board's beats; 0 where there was none
 * ever, or it cannot be.
 */
int64_t reading_silence_ms(const struct reading *reading, int64_t beat_ms);

/* For how long the oldest of what the engine has not confirmed has waited; 0: there is none. */
int64_t reading_lag_ms(const struct reading *reading);

/* How many clients all workers have. */
uint64_t reading_clients(const struct reading *reading);

/* What a worker has counted since an earlier reading; NULL, or where it was not there yet: since it began. */
struct scoreboard_totals reading_since(
	const struct worker_reading *worker, const struct reading *earlier);

#endif
