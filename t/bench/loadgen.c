/* SPDX-License-Identifier: ISC */
/*
 * A load generator that checks what it measures: numbered records from many pipelining clients,
 *every answer read, then the log file held against the answers.  Prints one "name value" a line;
 *exits 0 only when every promise was kept, 1 when one was broken.
 *
 *	loadgen --port 43127 --clients 8 --window 512 --seconds 5 --pid 4711 --verify
 *logs/server.log
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "bench/loadgen.h"

enum { VIOLATIONS_SHOWN = 20, SAMPLE_MS = 200 };
#define MILLION INT64_C(1000000)

/* What the server took. */
struct cost {
	struct tree_usage before, after, peak;
};

static atomic_uint_fast64_t violation_count;

void
violation(const char *format, ...)
{
	if (atomic_fetch_add(&violation_count, 1) >= VIOLATIONS_SHOWN)
		return;
	va_list args;
	va_start(args, format);
	vwarnx(format, args);
	va_end(args);
}

uint64_t
violations(void)
{
	return atomic_load(&violation_count);
}

int64_t
now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
usage(void)
{
	fputs("usage: loadgen [options]\n"
	      "  --host ADDRESS, --port PORT  the server (127.0.0.1, 9000)\n"
	      "  --clients N                  connections (8)\n"
	      "  --window N                   lines in flight of each (512)\n"
	      "  --size BYTES                 of a line, with its newline (120)\n"
	      "  --lines N                    of each client, and/or\n"
	      "  --seconds N                  how long to send (5, without --lines)\n"
	      "  --threads N                  of this program (the CPUs, at most 8)\n"
	      "  --pid PID                    measure this process and its descendants\n"
	      "  --verify FILE                hold the log file against the answers\n"
	      "  --format text|json|raw       the file's format (text)\n"
	      "  --patience SECONDS           without any answer: give up (30)\n"
	      "  --reconnect                  a broken connection is no error\n",
		stderr);
	exit(EX_USAGE);
}

static int64_t
number(const char *option, const char *text, int64_t min, int64_t max)
{
	const char *problem;
	int64_t value = strtonum(text, min, max, &problem);
	if (problem != NULL)
		errx(EX_USAGE, "--%s %s: %s; %" PRId64 " to %" PRId64, option, text, problem, min,
			max);
	return value;
}

static enum log_format
format_of(const char *text)
{
	static const char *const names[] = {"text", "json", "raw"};
	for (enum log_format format = LOG_TEXT; format <= LOG_RAW; format++) {
		if (strcmp(names[format], text) == 0)
			return format;
	}
	errx(EX_USAGE, "--format %s: text, json or raw", text);
}

static const struct option options[] = {
	{"host", required_argument, NULL, 'h'},
	{"port", required_argument, NULL, 'p'},
	{"clients", required_argument, NULL, 'c'},
	{"window", required_argument, NULL, 'w'},
	{"size", required_argument, NULL, 'b'},
	{"lines", required_argument, NULL, 'n'},
	{"seconds", required_argument, NULL, 's'},
	{"threads", required_argument, NULL, 't'},
	{"pid", required_argument, NULL, 'P'},
	{"verify", required_argument, NULL, 'v'},
	{"format", required_argument, NULL, 'f'},
	{"patience", required_argument, NULL, 'i'},
	{"reconnect", no_argument, NULL, 'r'},
	{NULL, 0, NULL, 0},
};

/* One number of the plan; false for an option that is no number. */
static bool
set_number(struct plan *plan, int letter, const char *option, const char *text)
{
	int64_t record_min = (int64_t)record_bytes_min();
	switch (letter) {
	case 'c':
		plan->clients = (size_t)number(option, text, 1, 99999);
		return true;
	case 'w':
		plan->window = (size_t)number(option, text, 1, 1000000);
		return true;
	case 'b':
		plan->line_bytes = (size_t)number(option, text, record_min, 16 << 20);
		return true;
	case 'n':
		plan->lines = (uint64_t)number(option, text, 1, 9999999999);
		return true;
	case 's':
		plan->run_us = number(option, text, 1, 86400) * MILLION;
		return true;
	case 't':
		plan->threads = (size_t)number(option, text, 1, 256);
		return true;
	case 'P':
		plan->pid = (pid_t)number(option, text, 1, INT32_MAX);
		return true;
	case 'i':
		plan->patience_us = number(option, text, 1, 3600) * MILLION;
		return true;
	}
	return false;
}

static void
parse_options(struct plan *plan, int argc, char **argv)
{
	int letter, index = 0;
	while ((letter = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (letter == 'h')
			plan->host = optarg;
		else if (letter == 'p')
			plan->port = optarg;
		else if (letter == 'v')
			plan->log = optarg;
		else if (letter == 'f')
			plan->log_format = format_of(optarg);
		else if (letter == 'r')
			plan->reconnect = true;
		else if (!set_number(plan, letter, options[index].name, optarg))
			usage();
	}
	if (optind < argc)
		usage();
	if (plan->lines == 0 && plan->run_us == 0)
		plan->run_us = 5 * MILLION;
	if (plan->threads > plan->clients)
		plan->threads = plan->clients;
}

static void
start_crews(const struct plan *plan, struct crew *crews, struct history *histories,
	pthread_barrier_t *start)
{
	pthread_barrier_init(start, NULL, (unsigned)plan->threads + 1);
	for (size_t i = 0; i < plan->threads; i++) {
		size_t first = plan->clients * i / plan->threads;
		crews[i] = (struct crew){
			.plan = plan,
			.start = start,
			.first = first,
			.count = plan->clients * (i + 1) / plan->threads - first,
			.histories = histories,
		};
		errno = pthread_create(&crews[i].thread, NULL, crew_run, &crews[i]);
		if (errno != 0)
			err(EX_OSERR, "thread");
	}
	pthread_barrier_wait(start);
}

/* Waits for the thread, looking at the server now and then. */
static void
join_crew(struct crew *crew, struct tree_usage *peak)
{
	for (;;) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SAMPLE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_timedjoin_np(crew->thread, NULL, &until) != ETIMEDOUT)
			return;
		if (crew->plan->pid == 0)
			continue;
		struct tree_usage now = tree_read(crew->plan->pid);
		if (now.memory_kib > peak->memory_kib)
			*peak = now;
	}
}

/* Adds up what the threads found. */
static void
sum_crews(struct crew *sum, const struct crew *crews, size_t count)
{
	sum->begin_us = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		for (size_t fate = 0; fate < FATES; fate++)
			sum->fates[fate] += crews[i].fates[fate];
		sum->reconnects += crews[i].reconnects;
		sum->refused += crews[i].refused;
		histogram_merge(&sum->answer_times, &crews[i].answer_times);
		if (crews[i].begin_us < sum->begin_us)
			sum->begin_us = crews[i].begin_us;
		if (crews[i].end_us > sum->end_us)
			sum->end_us = crews[i].end_us;
	}
}

static void
print_speed(const struct plan *plan, const struct crew *sum, uint64_t answered)
{
	double seconds = (double)(sum->end_us - sum->begin_us) / 1e6;
	if (seconds <= 0)
		seconds = 1e-6;
	printf("clients %zu\nwindow %zu\nline_bytes %zu\n", plan->clients, plan->window,
		plan->line_bytes);
	printf("seconds %.3f\nlines %" PRIu64 "\nlines_per_second %.0f\n", seconds, answered,
		(double)answered / seconds);
	static const struct {
		const char *name;
		double percent;
	} points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		printf("answer_us_%s %" PRId64 "\n", points[i].name,
			histogram_percentile(&sum->answer_times, points[i].percent));
	printf("answer_us_max %" PRId64 "\n", sum->answer_times.max_us);
}

static void
print_cost(const struct plan *plan, const struct cost *cost, uint64_t answered)
{
	struct rusage own;
	getrusage(RUSAGE_SELF, &own);
	printf("loadgen_cpu_seconds %.2f\n",
		(double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
			(double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
	if (plan->pid == 0 || answered == 0)
		return;
	bool later = cost->after.memory_kib > cost->peak.memory_kib;
	const struct tree_usage *most = later ? &cost->after : &cost->peak;
	printf("server_cpu_seconds_per_million_lines %.3f\n",
		(double)(cost->after.cpu_us - cost->before.cpu_us) / (double)answered);
	printf("server_peak_memory_kib %" PRIu64 "\nserver_processes %zu\n", most->memory_kib,
		most->processes);
}

static void
print_answers(const struct plan *plan, const struct crew *sum, const struct history *histories,
	uint64_t answered)
{
	uint64_t numbered = 0;
	for (size_t i = 0; i < plan->clients; i++)
		numbered += histories[i].numbered;
	for (size_t fate = FATE_RECEIVED; fate < FATES; fate++) {
		if (sum->fates[fate] > 0 || fate == FATE_RECEIVED)
			printf("%s %" PRIu64 "\n", fate_name(fate), sum->fates[fate]);
	}
	printf("unanswered %" PRIu64 "\nreconnects %" PRIu64 "\nrefused %" PRIu64 "\n",
		numbered - answered, sum->reconnects, sum->refused);
}

/* Runs all threads to their end and adds up what they found and what the server took. */
static struct cost
run_crews(const struct plan *plan, struct history *histories, struct crew *sum)
{
	struct cost cost = {0};
	pthread_barrier_t start;
	struct crew *crews = calloc(plan->threads, sizeof *crews);

	if (crews == NULL)
		err(EX_OSERR, "threads");
	if (plan->pid > 0)
		cost.before = tree_read(plan->pid);
	start_crews(plan, crews, histories, &start);
	for (size_t i = 0; i < plan->threads; i++)
		join_crew(&crews[i], &cost.peak);
	if (plan->pid > 0)
		cost.after = tree_read(plan->pid);
	pthread_barrier_destroy(&start);
	sum_crews(sum, crews, plan->threads);
	free(crews);
	return cost;
}

int
main(int argc, char **argv)
{
	static struct crew sum;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct plan plan = {
		.host = "127.0.0.1",
		.port = "9000",
		.clients = 8,
		.window = 512,
		.line_bytes = 120,
		.threads = cpus < 1   ? 1
	                   : cpus > 8 ? 8
	                              : (size_t)cpus,
		.patience_us = 30 * MILLION,
	};
	parse_options(&plan, argc, argv);

	struct history *histories = calloc(plan.clients, sizeof *histories);
	if (histories == NULL)
		err(EX_OSERR, "clients");
	off_t from = plan.log != NULL ? verify_start(plan.log) : 0;
	struct cost cost = run_crews(&plan, histories, &sum);

	uint64_t answered = 0;
	for (size_t fate = FATE_RECEIVED; fate < FATES; fate++)
		answered += sum.fates[fate];
	print_speed(&plan, &sum, answered);
	print_cost(&plan, &cost, answered);
	print_answers(&plan, &sum, histories, answered);
	if (plan.log != NULL)
		printf("found_in_file %" PRIu64 "\n", verify_log(&plan, histories, from));
	printf("violations %" PRIu64 "\n", violations());

	for (size_t i = 0; i < plan.clients; i++)
		free(histories[i].fates);
	free(histories);
	return violations() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
