/* SPDX-License-Identifier: ISC */
/*
 * logsend: sends log records to logcollectd and tells what became of them.
 *
 * Here: options, messages to the user and the exit status.  How records are read, sent and
 * counted is in src/send.  The manual is logsend(1).
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/standard.h"
#include "send/progress.h"
#include "send/sender.h"
#include "send/tally.h"

enum { EXIT_REJECTED = 1 };

struct options {
	struct sender_options sender;
	const char *level;
	const char *file; /* NULL: standard input */
	char *const *words;
	size_t word_count;
	bool ndjson, smoke, quiet;
};

/* What the callbacks need. */
struct client {
	const struct options *options;
	struct source source;
	struct tally tally;
	struct progress progress;
};

static const char usage[] =
	"usage: logsend [-q] [-h host] [-p port] [-l level] [-w lines] [--timeout seconds]\n"
	"               [--retries count] [-f file | message ...]\n"
	"       logsend [-q] [-h host] [-p port] [-w lines] [--timeout seconds]\n"
	"               [--retries count] --ndjson [-f file]\n"
	"       logsend [-q] [-h host] [-p port] [--timeout seconds] [--retries count] --smoke\n";

static const char help[] =
	"\n"
	"Sends the message, or each line of the file or of standard input, as a log record to\n"
	"logcollectd and prints a summary of its verdicts.\n"
	"\n"
	"  -h, --host HOST         the server (SERVER_HOST, else localhost)\n"
	"  -p, --port PORT         its port (SERVER_PORT, else 9000)\n"
	"  -l, --level LEVEL       the level of the records (INFO)\n"
	"  -f, --file FILE         read FILE; - is standard input\n"
	"      --ndjson            lines are JSON already: send them as they are\n"
	"      --smoke             send one record of each level, show each answer\n"
	"  -w, --window LINES      most lines that wait for an answer at a time (512)\n"
	"      --timeout SECONDS   how long to wait for an answer (30)\n"
	"      --retries COUNT     how often to try again before giving up (5)\n"
	"  -q, --quiet             print errors only\n"
	"      --help              print this help\n"
	"  -V, --version           print the version\n"
	"\n"
	"Exit status: 0 all accepted (received or filtered), 1 some rejected, 64 usage, 66 no "
	"input,\n"
	"69 no service, 71 system error, 74 input/output error.\n";

__attribute__((noreturn, format(printf, 1, 2))) static void
bad_usage(const char *format, ...)
{
	va_list args;
	fprintf(stderr, "%s: ", getprogname());
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n%s", usage);
	exit(EX_USAGE);
}

static int64_t
parse_number(const char *what, const char *text, int64_t min, int64_t max)
{
	const char *error = NULL;
	int64_t number = strtonum(text, min, max, &error);
	if (error != NULL)
		bad_usage("%s \"%s\" is %s: it takes a number from %lld to %lld", what, text, error,
			(long long)min, (long long)max);
	return number;
}

/* A variable that is empty counts as not set. */
static const char *
from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : otherwise;
}

enum {
	OPTION_NDJSON = 256,
	OPTION_SMOKE,
	OPTION_TIMEOUT,
	OPTION_RETRIES,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{"host", required_argument, NULL, 'h'},
	{"port", required_argument, NULL, 'p'},
	{"level", required_argument, NULL, 'l'},
	{"file", required_argument, NULL, 'f'},
	{"window", required_argument, NULL, 'w'},
	{"quiet", no_argument, NULL, 'q'},
	{"version", no_argument, NULL, 'V'},
	{"ndjson", no_argument, NULL, OPTION_NDJSON},
	{"smoke", no_argument, NULL, OPTION_SMOKE},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"retries", required_argument, NULL, OPTION_RETRIES},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static void
take_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'h':
		options->sender.host = value;
		return;
	case 'p':
		options->sender.port = value;
		return;
	case 'l':
		options->level = value;
		return;
	case 'f':
		options->file = value;
		return;
	case 'w':
		options->sender.window = (size_t)parse_number("--window", value, 1, 1000000);
		return;
	case 'q':
		options->quiet = true;
		return;
	case OPTION_NDJSON:
		options->ndjson = true;
		return;
	case OPTION_SMOKE:
		options->smoke = true;
		return;
	case OPTION_TIMEOUT:
		options->sender.timeout_ms = 1000 * parse_number("--timeout", value, 1, 86400);
		return;
	case OPTION_RETRIES:
		options->sender.retries = parse_number("--retries", value, 0, 1000000);
		return;
	case 'V':
		puts("logsend " LOGCOLLECTD_VERSION);
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	case OPTION_HELP:
		printf("%s%s", usage, help);
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	default: /* getopt has said what is wrong */
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
}

static void
check_options(const struct options *options, bool level_given, bool port_given)
{
	int sources = (options->file != NULL) + (options->word_count > 0) + options->smoke;
	if (sources > 1)
		bad_usage("a message, --file and --smoke exclude each other");
	if (options->ndjson && (options->smoke || options->word_count > 0))
		bad_usage("--ndjson is for lines of a file or of standard input");
	if (level_given && (options->ndjson || options->smoke))
		bad_usage("--level has no meaning with --ndjson or --smoke");
	parse_number(port_given ? "--port" : "SERVER_PORT", options->sender.port, 1, 65535);
}

/* Options end at the first word, so that a message may hold words that begin with a dash. */
static struct options
parse_options(int argc, char **argv)
{
	struct options options = {
		.sender = {.window = 512, .timeout_ms = 30000, .retries = 5},
	};
	int option;
	while ((option = getopt_long(argc, argv, "+h:p:l:f:w:qV", long_options, NULL)) != -1)
		take_option(&options, option, optarg);
	options.words = argv + optind;
	options.word_count = (size_t)(argc - optind);

	bool level_given = options.level != NULL, port_given = options.sender.port != NULL;
	if (!level_given)
		options.level = "INFO";
	if (!port_given)
		options.sender.port = from_environment("SERVER_PORT", "9000");
	if (options.sender.host == NULL)
		options.sender.host = from_environment("SERVER_HOST", "localhost");
	check_options(&options, level_given, port_given);
	return options;
}

/* A server's bytes go to a terminal: nothing in them may drive it. */
static void
print_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
}

static void
on_answer(void *context, struct slice request, const struct answer *answer)
{
	struct client *client = context;
	tally_add(&client->tally, answer);
	if (!client->options->smoke || client->options->quiet)
		return;
	print_plain(request);
	fputs("  ->  ", stdout);
	print_plain(slice_trim(answer->line));
	putchar('\n');
}

static void
on_retry(void *context, const char *reason, int64_t wait_ms)
{
	struct client *client = context;
	const struct sender_options *server = &client->options->sender;
	if (client->options->quiet)
		return;
	progress_clear(&client->progress);
	fprintf(stderr, "%s: %s port %s: %s; trying again in %.1f s\n", getprogname(), server->host,
		server->port, reason, (double)wait_ms / 1000);
}

static void
on_tick(void *context)
{
	struct client *client = context;
	progress_draw(&client->progress, (struct progress_state){
						 .records = client->tally.answers,
						 .taken_bytes = client->source.taken_bytes,
						 .total_bytes = client->source.total_bytes,
					 });
}

static int
open_input(const char *path)
{
	if (path == NULL || strcmp(path, "-") == 0)
		return STDIN_FILENO;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "%s: %s: %s\n", getprogname(), path, strerror(errno));
		exit(EX_NOINPUT);
	}
	return fd;
}

static void
open_source(struct client *client)
{
	const struct options *options = client->options;
	struct slice level = slice_of(options->level);
	int result = 0;
	if (options->smoke)
		result = source_init_smoke(&client->source);
	else if (options->word_count > 0)
		result = source_init_words(
			&client->source, level, options->words, options->word_count);
	else if (options->ndjson)
		source_init_ndjson(&client->source, open_input(options->file));
	else
		source_init_text(&client->source, open_input(options->file), level);
	if (result != 0) {
		fprintf(stderr, "%s: %s\n", getprogname(), strerror(errno));
		exit(EX_OSERR);
	}
}

/* Somebody who types records needs no progress line between them. */
static bool
wants_progress(const struct client *client)
{
	int fd = client->source.fd;
	return !client->options->quiet && isatty(STDERR_FILENO) && fd >= 0 && !isatty(fd);
}

static int
report_outcome(const struct options *options, const struct sender_result *result)
{
	const struct sender_options *server = &options->sender;
	switch (result->outcome) {
	case SENDER_DONE:
		return EX_OK;
	case SENDER_GAVE_UP:
		fprintf(stderr, "%s: %s port %s: %s; gave up after %lld %s\n", getprogname(),
			server->host, server->port, result->reason, (long long)server->retries + 1,
			server->retries == 0 ? "try" : "tries");
		return EX_UNAVAILABLE;
	case SENDER_DENIED:
		fprintf(stderr, "%s: %s port %s: access denied\n", getprogname(), server->host,
			server->port);
		return EX_UNAVAILABLE;
	case SENDER_NO_MEMORY:
		break;
	}
	fprintf(stderr, "%s: out of memory\n", getprogname());
	return EX_OSERR;
}

static int
report_input(const struct client *client)
{
	const char *file = client->options->file;
	int error = client->source.error;
	if (error == 0)
		return EX_OK;
	fprintf(stderr, "%s: %s: %s\n", getprogname(), file != NULL ? file : "standard input",
		strerror(error));
	return error == EISDIR ? EX_NOINPUT : error == ENOMEM ? EX_OSERR : EX_IOERR;
}

static int
print_summary(const struct client *client, uint64_t unanswered)
{
	struct buf summary = {0};
	if (!client->options->quiet && tally_print(&client->tally, unanswered, &summary) == 0)
		fwrite(summary.data, 1, summary.len, stdout);
	buf_fini(&summary);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EX_OK;
	fprintf(stderr, "%s: standard output: %s\n", getprogname(), strerror(errno));
	return EX_IOERR;
}

int
main(int argc, char **argv)
{
	standard_occupy();
	struct options options = parse_options(argc, argv);
	struct client client = {.options = &options};
	open_source(&client);
	bool progress = wants_progress(&client);
	progress_init(&client.progress, progress ? STDERR_FILENO : -1);
	struct sender_watch watch = {
		.context = &client,
		.answered = on_answer,
		.retrying = on_retry,
		.tick = on_tick,
		.tick_ms = progress ? PROGRESS_EVERY_MS : 0,
	};
	struct sender_result result = sender_run(&options.sender, &watch, &client.source);
	progress_clear(&client.progress);

	/* The first trouble decides the status; each is told. */
	int status[] = {
		report_outcome(&options, &result),
		report_input(&client),
		print_summary(&client, result.unanswered),
		client.tally.accepted < client.tally.answers ? EXIT_REJECTED : EX_OK,
	};
	source_fini(&client.source);
	for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
		if (status[i] != EX_OK)
			return status[i];
	}
	return EX_OK;
}
