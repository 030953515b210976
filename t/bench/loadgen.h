/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the load generator share.  It uses nothing of the daemon's own code, so that it
 *can judge it: the wire and the file are written down here a second time, from the contract.
 *
 *	record   the numbered lines and what they look like in the log file
 *	client   connections, windows, answers
 *	verify   the log file against the answers
 *	tree     processor time and memory of the server's processes
 */
#ifndef T_BENCH_LOADGEN_H
#define T_BENCH_LOADGEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum log_format { LOG_TEXT, LOG_JSON, LOG_RAW };

/* What to do; the same for all threads, unchanged while they run. */
struct plan {
	const char *host;
	const char *port;
	size_t clients;
	size_t threads;
	size_t window;       /* lines in flight of one client */
	size_t line_bytes;   /* newline included */
	uint64_t lines;      /* of one client; 0: until the time is up */
	int64_t run_us;      /* 0: until all lines are answered */
	int64_t patience_us; /* without any answer: give up */
	bool reconnect;      /* a broken connection is no violation */
	pid_t pid;           /* the server; 0: do not look at it */
	const char *log;     /* file to verify, or NULL */
	enum log_format log_format;
};

/* What became of one record: its answer (the order of the table in client.c), or none. */
enum fate {
	FATE_UNANSWERED, /* may be in the file once, or not */
	FATE_RECEIVED,   /* must be in the file; every other answer: must not */
	FATES = 10,
	FATE_SEEN = 0x80, /* flag, set by verify: was found in the file */
};

/* Says that a promise was broken; the first ones are printed, all are counted.  Any thread. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t violations(void);

int64_t now_us(void);

/* record.c */

enum { RECORD_CLIENT_DIGITS = 5, RECORD_NUMBER_DIGITS = 10 };
#define RECORD_HEAD "{\"level\":\"INFO\",\"message\":\""
#define RECORD_TAIL "\"}\n"

/* The smallest line_bytes; where the number's digits stand in a line. */
size_t record_bytes_min(void);
size_t record_number_offset(void);

/* Writes line_bytes bytes: the client's record number 0. */
void record_template(char *line, size_t line_bytes, size_t client);

/* Adds one to a number of RECORD_NUMBER_DIGITS digits. */
void record_count_up(char *digits);

/*
 * Reads one line of the log file, without its newline.  False when it is not, byte for byte, what a
 * record of this size looks like there.
 */
bool record_parse(
	const struct plan *plan, const char *line, size_t len, size_t *client, uint64_t *number);

/* histogram.c */

/* How long answers took: buckets that grow by 1/32. */
enum { HISTOGRAM_STEPS = 32, HISTOGRAM_BUCKETS = HISTOGRAM_STEPS * 32 };
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count;
	int64_t max_us;
};

void histogram_add(struct histogram *histogram, int64_t us);
void histogram_merge(struct histogram *sum, const struct histogram *part);
int64_t histogram_percentile(const struct histogram *histogram, double percent);

/* client.c */

/* The part of one client that outlives its run. */
struct history {
	uint8_t *fates; /* by record number */
	size_t cap;
	uint64_t numbered; /* records made; the last may never have been sent */
};

/* One thread's share of the clients, and what it found. */
struct crew {
	const struct plan *plan;
	pthread_barrier_t *start;
	pthread_t thread;
	size_t first, count;       /* clients */
	struct history *histories; /* of all clients; this crew writes its own only */
	uint64_t fates[FATES];
	uint64_t reconnects, refused;
	struct histogram answer_times;
	int64_t begin_us, end_us; /* first line, last answer */
};

/* Thread: connects, waits for the others at the barrier, sends, reads all answers. */
void *crew_run(void *crew);

const char *fate_name(size_t fate);

/* verify.c */

/*
 * Holds the log file, from byte `from` on, against the answers: every received record once, whole,
 * in its client's order, nothing else.  Returns the records found; what is wrong is a violation().
 */
uint64_t verify_log(const struct plan *plan, struct history *histories, off_t from);

/* The file's size now, 0 when there is none. */
off_t verify_start(const char *path);

/* tree.c */

struct tree_usage {
	int64_t cpu_us;      /* of all processes so far, reaped ones too */
	uint64_t memory_kib; /* shared pages counted once */
	size_t processes;
};

/* Of the process and all that descend from it. */
struct tree_usage tree_read(pid_t root);

#endif
