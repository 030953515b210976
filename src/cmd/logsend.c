/* SPDX-License-Identifier: ISC */
/*
 * logsend: sends log records to logcollectd and tells what became of them.
 *
 * Here: messages to the user and the exit status.  The options, and how records are read, sent and
 * counted, are in src/send.  The manual is logsend(1).
 */
#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/standard.h"
#include "send/arguments.h"
#include "send/dial.h"
#include "send/progress.h"
#include "send/tally.h"

enum { EXIT_REJECTED = 1 };

/* What the callbacks need. */
struct client {
	const struct arguments *options;
	struct source source;
	struct tally tally;
	struct progress progress;
};

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

/* The begin of a message about the server. */
static void
name_server(const struct sender_options *server)
{
	if (dial_local_path(server->host) != NULL)
		fprintf(stderr, "%s: %s: ", getprogname(), server->host);
	else
		fprintf(stderr, "%s: %s port %s: ", getprogname(), server->host, server->port);
}

static void
on_retry(void *context, const char *reason, int64_t wait_ms)
{
	struct client *client = context;
	const struct sender_options *server = &client->options->sender;
	if (client->options->quiet)
		return;
	progress_clear(&client->progress);
	name_server(server);
	fprintf(stderr, "%s; trying again in %.1f s\n", reason, (double)wait_ms / 1000);
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
	const struct arguments *options = client->options;
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

/* What TLS needs; ends the program where it is not to be had. */
static void
open_trust(struct arguments *options, struct trust *trust)
{
	struct buf error = {0};
	if (!options->tls)
		return;
	if (trust_init(trust, &options->trust, &error) != 0) {
		fprintf(stderr, "%s: %.*s\n", getprogname(), (int)error.len, error.data);
		exit(EX_NOINPUT);
	}
	options->sender.trust = trust;
}

/* Somebody who types records needs no progress line between them. */
static bool
wants_progress(const struct client *client)
{
	int fd = client->source.fd;
	return !client->options->quiet && isatty(STDERR_FILENO) && fd >= 0 && !isatty(fd);
}

static int
report_outcome(const struct arguments *options, const struct sender_result *result)
{
	const struct sender_options *server = &options->sender;
	switch (result->outcome) {
	case SENDER_DONE:
		return EX_OK;
	case SENDER_GAVE_UP:
		name_server(server);
		fprintf(stderr, "%s; gave up after %lld %s\n", result->reason,
			(long long)server->retries + 1, server->retries == 0 ? "try" : "tries");
		return EX_UNAVAILABLE;
	case SENDER_DENIED:
		name_server(server);
		fprintf(stderr, "%s\n", result->reason);
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
	struct arguments options = arguments_parse(argc, argv);
	struct trust trust = {0};
	open_trust(&options, &trust);
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
	trust_fini(&trust);
	for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
		if (status[i] != EX_OK)
			return status[i];
	}
	return EX_OK;
}
