/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the load generator share.  It uses nothing of the daemon's own code, so that it
 * can judge it: the wire and the file are written down here a second time, from the contract.
 *
 *	options  what to do
 *	record   the numbered records, of several kinds, and what they look like in the log file
 *	dial     connections, from many addresses; the idle ones
 *	answer   what the server may say
 *	client   one client: its lines and the answers to them
 *	shift    a thread's share of the clients: when it is whose turn
 *	verify   the log file against the answers
 *	tree     processor time and memory of the server's processes
 *	report   what comes out
 */
#ifndef T_BENCH_LOADGEN_H
#define T_BENCH_LOADGEN_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define MILLION INT64_C(1000000)

/* record.c */

/* LOG_PEER is text with the time zone as +00:00 and control characters as they are. */
enum log_format { LOG_TEXT, LOG_JSON, LOG_RAW, LOG_PEER };
enum { RECORD_CLIENT_DIGITS = 5, RECORD_NUMBER_DIGITS = 10 };

/* A record of the kind, size and format that were asked for. */
struct shape {
	const struct kind *kind;
	enum log_format format;
	size_t line_bytes; /* newline included */
	size_t period;     /* so many lines differ by more than their number, then it begins anew */
	size_t client_at, number_at; /* where the digits stand in a line */
	char *lines;                 /* `period` lines, of client 0 */
	char *rest; /* what the file's line has behind the number, without its newline */
	size_t rest_bytes;
};

/* options.c */

/* What to do; the same for all threads, unchanged while they run. */
struct plan {
	const char *host, *port;
	struct sockaddr_storage server;
	socklen_t server_len;
	uint64_t clients, threads;
	uint64_t window;         /* lines in flight of one client */
	uint64_t rate;           /* lines a second of all clients together; 0: the window decides */
	uint64_t lines;          /* of one client; 0: until the time is up */
	uint64_t seconds;        /* 0: until all lines are answered */
	uint64_t per_connection; /* lines, then the client connects anew; 0: never */
	uint64_t addresses;      /* to connect from, in turn; 0: what the kernel takes */
	uint64_t idle;           /* more connections, which do nothing */
	uint64_t patience;       /* seconds without any answer: give up */
	bool no_answers;         /* the server gives none: the file tells when it is done */
	bool unfiltered;         /* the server filters nothing */
	bool reconnect;          /* a broken connection is no violation */
	uint64_t pid;            /* the server; 0: do not look at it */
	const char *log;         /* file to verify, or NULL */
	const char *format, *kind;
	uint64_t line_bytes;
	struct shape shape;
};

/* Fills the plan; exits where the command line is wrong. */
void plan_read(struct plan *plan, int argc, char **argv);

/* What became of one record: its answer (the order of the table in answer.c), or none. */
enum fate {
	FATE_UNANSWERED, /* may be in the file once, or not */
	FATE_RECEIVED,   /* must be in the file; every other answer: must not */
	FATE_FILTERED,
	FATES = 10,
	FATE_SEEN = 0x80, /* flag, set by verify: was found in the file */
};

/* Says that a promise was broken; the first ones are printed, all are counted.  Any thread. */
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t violations(void);

int64_t now_us(void);

/* Makes the shape; exits when there is no such kind or format, or the size is too small for it. */
void shape_init(struct shape *shape, const struct plan *plan);
void shape_fini(struct shape *shape);

/* What is to become of a record: FATE_RECEIVED or FATE_FILTERED. */
enum fate record_fate(const struct plan *plan, uint64_t number);

/* Bytes of a record in the file, its newline included; not for LOG_JSON. */
size_t record_file_bytes(const struct shape *shape);

/* Writes the client's number into a line. */
void record_sign(const struct shape *shape, char *line, size_t client);

/* Adds one to a number of RECORD_NUMBER_DIGITS digits. */
void record_count_up(char *digits);

/*
 * Reads one line of the log file, without its newline.  False when it is not, byte for byte, what a
 * record of this shape looks like there.
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

/* answer.c */

enum { ANSWER_MAX = 128, ANSWER_NONE = -1, ANSWER_REFUSED = -2 };

/* The fate that this line, newline included, tells of; or no answer at all, or the connection is refused. */
int answer_read(const char *line, size_t len);
const char *fate_name(size_t fate);

/* dial.c */

/* Finds out the server's address; exits when there is none. */
void dial_init(struct plan *plan);

/* A connected socket, or -1 and errno; from the next of the plan's addresses.  Any thread. */
int dial(const struct plan *plan);

/* Allows this program as many descriptors as the system does. */
void dial_allow_descriptors(void);

/* The idle connections.  idle_close() tells of those that the server did not leave alone. */
int *idle_open(const struct plan *plan);
void idle_close(const struct plan *plan, int *idle);

/* shift.c */

/* The part of one client that outlives its run. */
struct history {
	uint8_t *fates; /* by record number */
	size_t cap;
	uint64_t numbered; /* records made; the last may never have been sent */
};

/* One thread's share of the clients, and what it found. */
struct crew {
	const struct plan *plan;
	pthread_barrier_t *stage;
	sem_t *done;
	pthread_t thread;
	size_t first, count;       /* clients */
	struct history *histories; /* of all clients; this crew writes its own only */
	uint64_t fates[FATES];
	uint64_t reconnects, refused;
	struct histogram answer_times;
	struct histogram lateness; /* of lines sent after their time, with a rate */
	int64_t begin_us, end_us;  /* first line, last answer */
};

/*
 * Thread: connects; between the second and the third barrier sends and reads all answers, and says when it is
 * done; then parts.  Only what is between the barriers is measured.
 */
void *crew_run(void *crew);

/* verify.c */

/*
 * Holds the log file, from byte `from` on, against the answers: every received record once, whole,
 * in its client's order, nothing else.  Returns the records found; what is wrong is a violation().
 */
uint64_t verify_log(const struct plan *plan, struct history *histories, off_t from);

/* The file's size now, 0 when there is none. */
off_t verify_start(const char *path);

/* Waits until the file has so many records, as long as it grows.  Returns when it grew last. */
int64_t verify_await(const struct plan *plan, off_t from, uint64_t records);

/* tree.c */

struct tree_usage {
	int64_t cpu_us;      /* of all processes so far, reaped ones too */
	uint64_t memory_kib; /* shared pages counted once */
	size_t processes;
};

/* Of the process and all that descend from it. */
struct tree_usage tree_read(pid_t root);

/* Looks until its memory stands still, or until it does nothing. */
struct tree_usage tree_settled(pid_t root);
struct tree_usage tree_at_rest(pid_t root);

/* report.c */

/* What the server took. */
struct cost {
	struct tree_usage alone, idle; /* without clients, with the idle ones */
	struct tree_usage before, after, peak;
};

void report(const struct plan *plan, const struct crew *sum, const struct cost *cost,
	const struct history *histories);

#endif
