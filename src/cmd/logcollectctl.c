/* SPDX-License-Identifier: ISC */
/*
 * logcollectctl: looks at a running logcollectd and tells it what to do.
 *
 * Here: options and commands.  How each does its work is in src/ctl.  The manual is logcollectctl(8).
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/standard.h"
#include "ctl/limits.h"
#include "ctl/order.h"
#include "ctl/status.h"
#include "ctl/target.h"
#include "ctl/top.h"

enum { SECOND_MS = 1000, TIMEOUT_MS = 60 * SECOND_MS, SILENCE_MS = 10 * SECOND_MS, DAY_S = 86400 };

struct options {
	const char *conf, *board;
	bool json, all;
	int64_t timeout_ms, silence_ms;
	struct top_options top;
	char **arguments; /* behind the command */
	int argument_count;
};

struct command {
	const char *name;
	int arguments_max;
	int (*run)(const struct options *options, struct target *target);
};

static const char usage[] =
	"usage: logcollectctl [-f file | -s file] command\n"
	"       logcollectctl configtest | reload | reopen | stop [-t seconds]\n"
	"       logcollectctl status [-t seconds] [--json]\n"
	"       logcollectctl top [-p] [-d seconds] [-n count]\n"
	"       logcollectctl limits [-a] [--json] | limits reset address\n"
	"       logcollectctl denied [--json]\n"
	"       logcollectctl -h | -V\n";

static const char help[] =
	"\n"
	"Looks at a running logcollectd and tells it what to do.\n"
	"\n"
	"  configtest   test the configuration\n"
	"  status       what the daemon and its workers are doing and have counted\n"
	"  top          what happens every second, live\n"
	"  reload       test the configuration, put it in force, wait until it is\n"
	"  reopen       have the log opened anew, wait until nobody writes to the old file\n"
	"  stop         stop the daemon, wait until it is gone\n"
	"  limits       the addresses that are rate-limited now; reset: forget one\n"
	"  denied       the addresses that were denied access, and how often\n"
	"\n"
	"  -f file      the daemon's configuration file\n"
	"  -s file      its ScoreBoardFile, where there is no configuration to be read\n"
	"  -t seconds   how long to wait (60); status: how long the daemon may be silent (10)\n"
	"  -d seconds   top: between two looks (1)\n"
	"  -n count     top: how many looks (for ever)\n"
	"  -p           top: plain lines also on a terminal\n"
	"  -a           limits: all addresses that are known\n"
	"  --json       status, limits, denied: for programs\n"
	"  -h           show this help\n"
	"  -V           show the version\n";

static int
usage_error(void)
{
	fputs(usage, stderr);
	return EX_USAGE;
}

static int
bad_configuration(int status)
{
	warnx("the configuration has errors; -s SCOREBOARD does without it");
	return status;
}

static int
run_configtest(const struct options *options, struct target *target)
{
	(void)options;
	if (target->conf == NULL) {
		warnx("no configuration to test: say -f FILE");
		return EX_USAGE;
	}
	int status = target_load(target);
	if (status == EX_OK)
		puts("Syntax OK");
	return status;
}

/* Finds the daemon and its scoreboard. */
static int
attach(struct target *target, bool writable)
{
	int status = target_load(target);
	return status == EX_OK ? target_attach(target, writable) : bad_configuration(status);
}

static int
run_status(const struct options *options, struct target *target)
{
	struct reading reading;
	int status = attach(target, false);
	if (status != EX_OK)
		return status;
	if (reading_take(&reading, &target->shared) < 0)
		return EX_OSERR;
	if (!options->json)
		status_print(stdout, &reading);
	else if (status_print_json(stdout, &reading) < 0)
		status = EX_OSERR;
	if (status_tell_silence(&reading, options->silence_ms) && status == EX_OK)
		status = EX_UNAVAILABLE;
	reading_fini(&reading);
	return status;
}

static int
run_top(const struct options *options, struct target *target)
{
	int status = attach(target, false);
	return status == EX_OK ? top_run(&options->top, &target->shared) : status;
}

static int
run_reload(const struct options *options, struct target *target)
{
	if (target_load(target) != EX_OK) {
		warnx("the configuration has errors: nothing was reloaded");
		return ORDER_FAILED;
	}
	int status = target_attach(target, false);
	return status == EX_OK ? order_reload(target, options->timeout_ms) : status;
}

static int
run_reopen(const struct options *options, struct target *target)
{
	int status = attach(target, false);
	return status == EX_OK ? order_reopen(target, options->timeout_ms) : status;
}

static int
run_stop(const struct options *options, struct target *target)
{
	int status = target_load(target);
	return status == EX_OK ? order_stop(target, options->timeout_ms)
	                       : bad_configuration(status);
}

static int
run_limits(const struct options *options, struct target *target)
{
	bool reset = options->argument_count == 2 && strcmp(options->arguments[0], "reset") == 0;
	if (options->argument_count > 0 && !reset)
		return usage_error();
	int status = attach(target, reset);
	if (status != EX_OK)
		return status;
	const struct shared *shared = &target->shared;
	if (reset)
		return limits_reset(shared, options->arguments[1]);
	return options->json ? limits_print_json(stdout, shared, options->all)
	                     : limits_print(stdout, shared, options->all);
}

static int
run_denied(const struct options *options, struct target *target)
{
	int status = attach(target, false);
	if (status != EX_OK)
		return status;
	return options->json ? limits_print_denied_json(stdout, &target->shared)
	                     : limits_print_denied(stdout, &target->shared);
}

static const struct command commands[] = {
	{"configtest", 0, run_configtest},
	{"status", 0, run_status},
	{"top", 0, run_top},
	{"reload", 0, run_reload},
	{"reopen", 0, run_reopen},
	{"stop", 0, run_stop},
	{"limits", 2, run_limits},
	{"denied", 0, run_denied},
};

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int64_t
parse_number(char option, int64_t min, int64_t max)
{
	const char *wrong = NULL;
	int64_t number = strtonum(optarg, min, max, &wrong);
	if (wrong != NULL)
		errx(EX_USAGE, "-%c %s is %s: it takes a number from %lld to %lld", option, optarg,
			wrong, (long long)min, (long long)max);
	return number;
}

/* Seconds with a fraction; in milliseconds. */
static int64_t
parse_delay(void)
{
	char *end;
	double seconds = strtod(optarg, &end);
	if (end == optarg || *end != '\0' || !(seconds >= 0.1 && seconds <= DAY_S))
		errx(EX_USAGE, "-d %s: it takes seconds from 0.1 to %d", optarg, DAY_S);
	return (int64_t)(seconds * SECOND_MS);
}

/* Returns -1 to go on, or the exit status. */
static int
parse_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "f:s:t:d:n:pahV", long_options, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->conf = optarg;
			break;
		case 's':
			options->board = optarg;
			break;
		case 't':
			options->timeout_ms = options->silence_ms = parse_number('t', 1, DAY_S) *
			                                            SECOND_MS;
			break;
		case 'd':
			options->top.delay_ms = parse_delay();
			break;
		case 'n':
			options->top.count = parse_number('n', 1, INT32_MAX);
			break;
		case 'p':
			options->top.plain = true;
			break;
		case 'j':
			options->json = true;
			break;
		case 'a':
			options->all = true;
			break;
		case 'h':
			printf("%s%s", usage, help);
			return EX_OK;
		case 'V':
			puts("logcollectctl " LOGCOLLECTD_VERSION);
			return EX_OK;
		default:
			return usage_error();
		}
	}
	return -1;
}

/* Whether all that was printed has arrived. */
static int
finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		warn("standard output");
	return status == EX_OK ? EX_IOERR : status;
}

int
main(int argc, char **argv)
{
	standard_occupy();
	struct options options = {
		.timeout_ms = TIMEOUT_MS, .silence_ms = SILENCE_MS, .top = {.delay_ms = SECOND_MS}};
	int status = parse_options(argc, argv, &options);
	if (status >= 0)
		return status;
	if (optind == argc)
		return usage_error();
	const struct command *command = find_command(argv[optind]);
	options.arguments = argv + optind + 1;
	options.argument_count = argc - optind - 1;
	if (command == NULL) {
		warnx("there is no command %s", argv[optind]);
		return usage_error();
	}
	if (options.argument_count > command->arguments_max)
		return usage_error();
	struct target target;
	target_init(&target, options.conf, options.board);
	status = command->run(&options, &target);
	target_fini(&target);
	return finish(status);
}
