/* SPDX-License-Identifier: ISC */
/*
 * What the daemon and each of its workers are doing, in shared memory: the supervisor's announcements, and a
 * slot for each worker that may live at the same time.  Everyone may read, also from a read-only mapping; nothing here
 * waits for anybody, and nothing in the memory says where to read.
 *
 * A slot's counters are never set back: they go on when the slot passes from a dead worker to
 * another, and the slot remembers where the new worker began.  So the totals are simply the sums, the past
 * included, and no reading of them ever goes back.
 */
#ifndef SHM_SCOREBOARD_H
#define SHM_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/histogram.h"
#include "core/reply.h"
#include "core/shipping.h"

enum count {
	COUNT_LINES =
		VERDICTS, /* the verdicts come first: COUNT is an enum verdict or one of these */
	COUNT_BYTES_IN,
	COUNT_BATCHES,
	COUNT_ACCEPTED,         /* connections served */
	COUNT_BUSY,             /* refused: no thread, descriptor or memory */
	COUNT_DENIED,           /* refused: Require, ProxyTrusted, or too many of one client */
	COUNT_PROXY_FAILED,     /* closed: no PROXY header, or a bad one */
	COUNT_HANDSHAKE_FAILED, /* closed before their first line: no TLS, or not in time */
	COUNT_IDLE_CLOSED,      /* closed after IdleTimeout */
	COUNT_READ_CLOSED,      /* closed after ReadTimeout */
	COUNT_SEND_CLOSED,      /* closed after SendTimeout */
	COUNT_STORAGE_ERRORS,   /* appends that failed */
	COUNT_LOCK_WAITS,       /* appends that found the file locked by another process */
	COUNTS
};

enum board_state { BOARD_STARTING, BOARD_RUNNING, BOARD_STOPPING, BOARD_STATES };

enum slot_state {
	SLOT_FREE,
	SLOT_STARTING, /* forked, does not serve yet */
	SLOT_SERVING,
	SLOT_RETIRING, /* accepts nobody, serves its clients to their end */
	SLOT_DRAINING, /* finishes what has arrived */
	SLOT_STATES
};

/* Between two signs of life.  Only where somebody can see them: who sleeps costs nothing. */
enum { SCOREBOARD_BEAT_MS = 1000 };

enum { BOARD_LISTENING_MAX = 8192, BOARD_ERRORS_MAX = 4096 };

/* What the supervisor announces. */
struct board_info {
	int64_t pid;
	int64_t started_us;                  /* wall clock */
	int64_t state;                       /* enum board_state */
	uint64_t worker_generation;          /* of the workers started last */
	uint64_t settings_generation;        /* of the settings published last */
	uint64_t log_generation;             /* which opening of the log is asked of the workers */
	uint64_t worker_deaths;              /* workers that were killed or have failed */
	uint64_t monitor_deaths;             /* the same of the monitor */
	uint64_t reloads_asked;              /* HUPs read */
	uint64_t reloads_finished;           /* how many of those are answered, well or not */
	uint64_t reload_errors;              /* of the last reload; 0: its settings are in force */
	int64_t reloaded_us;                 /* when it finished, wall clock; 0: there was none */
	char errors[BOARD_ERRORS_MAX];       /* of the last reload, one a line; also its warnings */
	char listening[BOARD_LISTENING_MAX]; /* addresses, one a line */
};

struct scoreboard; /* lives in shared memory, pointer-free */

/* One reading of all counters, of one worker or of all.  COUNT_LINES is the sum of the verdicts read. */
struct scoreboard_totals {
	uint64_t counts[COUNTS];
};

/* One reading of a slot. */
struct scoreboard_slot {
	pid_t pid; /* 0: not known yet */
	enum slot_state state;
	uint64_t worker_generation;
	int64_t born_us; /* wall clock */
	int64_t beat_ms; /* its last sign of life, monotonic clock; 0: none was seen */
	uint64_t clients, most_clients;  /* it has, it takes; 0: not known yet */
	int64_t cpu_us;                  /* processor time, as it told it last; 0: not yet, */
	uint64_t resident_bytes;         /* and memory; 0: not known */
	uint64_t settings_generation;    /* seen */
	uint64_t log_generation;         /* reached: it writes to no older file */
	uint64_t log_tried;              /* the last one tried, */
	int log_error;                   /* with this outcome: 0 or an errno */
	int store_error;                 /* of its last append: 0 or an errno; */
	int64_t store_since_us;          /* so appends fail since then, wall clock, */
	int64_t store_failed_us;         /* and the last one has failed then */
	struct scoreboard_totals totals; /* of this worker alone */
};

size_t scoreboard_size(size_t slots);

/* Lays the board out in scoreboard_size(slots) zeroed shared bytes that begin on a cache line. */
void scoreboard_init(void *memory);

/* For a reader of another process's memory: whether it looks as if it was laid out so. */
bool scoreboard_is_sound(const struct scoreboard *board);

/* Where forwarder and workers meet; a reader has it read-only. */
struct shipping *scoreboard_shipping(const struct scoreboard *board);

/* The supervisor's side.  One process, one thread. */

/* To change an announcement, read it, change it, set it. */
void scoreboard_set_info(struct scoreboard *board, const struct board_info *info);

/* Each changes that part alone: a HUP was read; a reload that answers all `asked` up to then is over, with so many
 * errors and their text (may be NULL, is cut); another opening of the log is asked: returns its number. */
void scoreboard_set_daemon_state(struct scoreboard *board, enum board_state state);
void scoreboard_reload_asked(struct scoreboard *board);
void scoreboard_reload_finished(struct scoreboard *board, uint64_t asked,
	uint64_t settings_generation, uint64_t errors, const char *text, int64_t now_us);
uint64_t scoreboard_ask_log(struct scoreboard *board);

/* A worker, or the monitor, was killed or has failed. */
void scoreboard_count_death(struct scoreboard *board);
void scoreboard_count_monitor_death(struct scoreboard *board);

/* The supervisor lives: to be called every SCOREBOARD_BEAT_MS. */
void scoreboard_beat(struct scoreboard *board, int64_t mono_ms);

/* Gives a free slot to a worker, before the fork: it is SLOT_STARTING, its own counters begin at 0. */
void scoreboard_give_slot(
	struct scoreboard *board, size_t slot, uint64_t worker_generation, int64_t now_us);

/* The fork has shown the worker's pid. */
void scoreboard_set_pid(struct scoreboard *board, size_t slot, pid_t pid);

/* The worker is dead and reaped. */
void scoreboard_free_slot(struct scoreboard *board, size_t slot);

/* The worker's side: on its own slot, any thread. */

/* It lives: every SCOREBOARD_BEAT_MS; the supervisor calls it for one that is about to be forked. */
void scoreboard_beat_slot(struct scoreboard *board, size_t slot, int64_t mono_ms);

void scoreboard_set_state(struct scoreboard *board, size_t slot, enum slot_state state);
void scoreboard_set_clients(struct scoreboard *board, size_t slot, size_t clients);
void scoreboard_set_most_clients(struct scoreboard *board, size_t slot, size_t most);
void scoreboard_set_settings(struct scoreboard *board, size_t slot, uint64_t generation);
void scoreboard_set_usage(
	struct scoreboard *board, size_t slot, int64_t cpu_us, uint64_t resident_bytes);

/* The log was opened as asked by this generation, or could not be, with an errno. */
void scoreboard_set_log(struct scoreboard *board, size_t slot, uint64_t generation, int error);

/* An append has ended with this: 0 or an errno.  Costs a load where it and the last one went well. */
void scoreboard_set_stored(struct scoreboard *board, size_t slot, int error, int64_t now_us);

/* Adds n to one counter. */
void scoreboard_add(struct scoreboard *board, size_t slot, size_t count, uint64_t n);

/* Adds a settled batch: each verdict. */
void scoreboard_add_verdicts(
	struct scoreboard *board, size_t slot, const uint64_t verdicts[static VERDICTS]);

/* So many lines were answered so long after they were read. */
void scoreboard_observe(
	struct scoreboard *board, size_t slot, int64_t microseconds, uint64_t lines);

/* Everyone's side.  How many slots there are is the caller's to know; whatever the memory holds, each of these ends. */

void scoreboard_info(const struct scoreboard *board, struct board_info *info);

/* The supervisor's last sign of life, monotonic clock; 0: none was seen. */
int64_t scoreboard_beat_ms(const struct scoreboard *board);

/* Sums over all workers, living and dead. */
struct scoreboard_totals scoreboard_totals(const struct scoreboard *board, size_t slots);
void scoreboard_times(const struct scoreboard *board, size_t slots, struct histogram *times);

/* Reads one slot as it is under one worker.  False when it is free. */
bool scoreboard_read_slot(const struct scoreboard *board, size_t slot, struct scoreboard_slot *out);

/* The name of a counter or state, for messages: "received", "busy"; "serving". */
const char *count_name(size_t count);
const char *board_state_name(int64_t state);
const char *slot_state_name(enum slot_state state);

#endif
