/* SPDX-License-Identifier: ISC */
/* The load generator's command line: one table, from which the help is printed too. */
#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "bench/loadgen.h"

enum type { TEXT, FLAG, NUMBER };
enum { THREADS_USUAL = 8 };

#define AT(member) offsetof(struct plan, member)
static const struct row {
	const char *name, *argument, *help;
	enum type type;
	size_t offset; /* in struct plan */
	int64_t min, max;
} rows[] = {
	{"host", "ADDRESS", "the server (127.0.0.1)", TEXT, AT(host), 0, 0},
	{"port", "PORT", "its port (9000)", TEXT, AT(port), 0, 0},
	{"clients", "N", "connections (8)", NUMBER, AT(clients), 1, 99999},
	{"window", "N", "lines in flight of each (512)", NUMBER, AT(window), 1, MILLION},
	{"rate", "N", "lines a second of all, each timed from when it was due", NUMBER, AT(rate), 1,
		100 * MILLION},
	{"size", "BYTES", "of a line, with its newline (120)", NUMBER, AT(line_bytes), 1, 16 << 20},
	{"kind", "KIND", "plain, half, fields, escapes or unicode (plain)", TEXT, AT(kind), 0, 0},
	{"lines", "N", "of each client, and/or", NUMBER, AT(lines), 1, 9999 * MILLION},
	{"seconds", "N", "how long to send (5, without --lines)", NUMBER, AT(seconds), 1, 86400},
	{"per-connection", "N", "lines, then a client connects anew", NUMBER, AT(per_connection), 1,
		MILLION},
	{"addresses", "N", "of 127.0.0.0/8 to connect from, in turn", NUMBER, AT(addresses), 1,
		16 * MILLION},
	{"idle", "N", "more connections, which do nothing", NUMBER, AT(idle), 1, 99999},
	{"threads", "N", "of this program (the CPUs, at most 8)", NUMBER, AT(threads), 1, 256},
	{"pid", "PID", "measure this process and its descendants", NUMBER, AT(pid), 1, INT32_MAX},
	{"verify", "FILE", "hold the log file against the answers", TEXT, AT(log), 0, 0},
	{"format", "FORMAT", "the file's: text, json, raw or peer (text)", TEXT, AT(format), 0, 0},
	{"no-answers", NULL, "the server gives none; wait for the file", FLAG, AT(no_answers), 0,
		0},
	{"unfiltered", NULL, "the server filters nothing", FLAG, AT(unfiltered), 0, 0},
	{"patience", "SECONDS", "without any answer: give up (30)", NUMBER, AT(patience), 1, 3600},
	{"reconnect", NULL, "a broken connection is no error", FLAG, AT(reconnect), 0, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static _Noreturn void
usage(void)
{
	fputs("usage: loadgen [options]\n", stderr);
	for (const struct row *row = rows; row < rows + ROWS; row++)
		fprintf(stderr, "  --%-14s %-8s %s\n", row->name,
			row->argument != NULL ? row->argument : "", row->help);
	exit(EX_USAGE);
}

static void
set(struct plan *plan, const struct row *row, const char *text)
{
	void *field = (char *)plan + row->offset;
	const char *problem = NULL;

	if (row->type == TEXT)
		*(const char **)field = text;
	else if (row->type == FLAG)
		*(bool *)field = true;
	else
		*(uint64_t *)field = (uint64_t)strtonum(text, row->min, row->max, &problem);
	if (problem != NULL)
		errx(EX_USAGE, "--%s %s: %s; %" PRId64 " to %" PRId64, row->name, text, problem,
			row->min, row->max);
}

static void
parse(struct plan *plan, int argc, char **argv)
{
	struct option options[ROWS + 1] = {0};
	for (size_t i = 0; i < ROWS; i++) {
		options[i].name = rows[i].name;
		options[i].has_arg = rows[i].type == FLAG ? no_argument : required_argument;
	}
	int answer, index = 0;
	while ((answer = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (answer != 0)
			usage();
		set(plan, &rows[index], optarg);
	}
	if (optind < argc)
		usage();
}

/* What does not go together. */
static void
check(const struct plan *plan)
{
	if (plan->no_answers && plan->log == NULL)
		errx(EX_USAGE, "--no-answers needs --verify");
	if (plan->no_answers && plan->shape.format == LOG_JSON)
		errx(EX_USAGE, "--no-answers needs lines of one length, which json has not");
	if (plan->no_answers && plan->rate > 0)
		errx(EX_USAGE, "--rate times answers, with --no-answers there are none");
	if (plan->idle > 0 && plan->pid == 0)
		errx(EX_USAGE, "--idle needs --pid, to see what they cost");
}

void
plan_read(struct plan *plan, int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	*plan = (struct plan){
		.host = "127.0.0.1",
		.port = "9000",
		.clients = 8,
		.window = 512,
		.line_bytes = 120,
		.patience = 30,
		.format = "text",
		.kind = "plain",
		.threads = cpus < 1 ? 1 : (uint64_t)cpus,
	};
	if (plan->threads > THREADS_USUAL)
		plan->threads = THREADS_USUAL;
	parse(plan, argc, argv);
	if (plan->lines == 0 && plan->seconds == 0)
		plan->seconds = 5;
	if (plan->threads > plan->clients)
		plan->threads = plan->clients;
	shape_init(&plan->shape, plan);
	check(plan);
	dial_init(plan);
}
