/* SPDX-License-Identifier: ISC */
/*
 * The numbered records: how they are made, and what they must look like in the log file.  A line is
 *
 *	before c=CCCCC n=NNNNNNNNNN piece piece … xxx after
 *
 * and all lines of a run have the same length.
 */
#include <err.h>
#include <sysexits.h>

#include "bench/loadgen.h"

#define MARK_CLIENT "c="
#define MARK_NUMBER " n="
#define TIME_TEXT   "0000-00-00T00:00:00.000000Z"
#define TIME_PEER   "0000-00-00T00:00:00.000000+00:00"
#define LEVEL       " [INFO] "
enum {
	NUMBER_AT = sizeof MARK_CLIENT - 1 + RECORD_CLIENT_DIGITS + sizeof MARK_NUMBER - 1,
	MARK_BYTES = NUMBER_AT + RECORD_NUMBER_DIGITS + 1, /* with the blank behind it */
};

static const struct kind {
	const char *name;
	const char *before, *after;
	const char *filtered; /* instead of before, in every second line: it is not to be stored */
	const char *piece;    /* of which the message is made, */
	const char *text;     /* as the daemon writes it, */
	const char *plain;    /* as who escapes nothing writes it */
} kinds[] = {
	{"plain", "{\"level\":\"INFO\",\"message\":\"", "\"}\n", NULL, "x", "x", "x"},
	{"half", "{\"level\":\"INFO\" ,\"message\":\"", "\"}\n",
		"{\"level\":\"DEBUG\",\"message\":\"", "x", "x", "x"},
	{"fields",
		"{\"time\":\"2026-01-31T12:00:00.123456Z\",\"host\":\"web-17.example.net\","
		"\"service\":\"checkout\",\"pid\":4711,\"thread\":\"worker-3\","
		"\"level\":\"INFO\",\"message\":\"",
		"\",\"user\":81273,\"duration_ms\":12.75,\"cached\":false}\n", NULL, "x", "x", "x"},
	{"escapes", "{\"level\":\"INFO\",\"message\":\"", "\"}\n", NULL,
		"say \\\"hi\\\"\\tto C:\\\\log\\/a \\u00e9\\ud83d\\ude00 \\u001b[0m ",
		"say \"hi\"\\tto C:\\log/a \u00e9\U0001f600 \\u001b[0m ",
		"say \"hi\"\tto C:\\log/a \u00e9\U0001f600 \x1b[0m "},
	{"unicode", "{\"level\":\"INFO\",\"message\":\"", "\"}\n", NULL,
		"20 °C überschritten, файл не найден, 文件已满 \U0001f600 ",
		"20 °C überschritten, файл не найден, 文件已满 \U0001f600 ",
		"20 °C überschritten, файл не найден, 文件已满 \U0001f600 "},
};

static const struct kind *
kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	errx(EX_USAGE, "--kind %s: plain, half, fields, escapes or unicode", name);
}

static enum log_format
format_of(const char *name)
{
	static const char *const names[] = {"text", "json", "raw", "peer"};
	for (enum log_format format = LOG_TEXT; format <= LOG_PEER; format++) {
		if (strcmp(names[format], name) == 0)
			return format;
	}
	errx(EX_USAGE, "--format %s: text, json, raw or peer", name);
}

/* Copies the text without its end; returns where it ends. */
static char *
put(char *at, const char *text)
{
	return mempcpy(at, text, strlen(text));
}

static char *
put_digits(char *at, int width, uint64_t value)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + width;
}

/* What fills `bytes` bytes of a line: pieces, written in this way, and for the rest xs. */
static char *
put_pieces(char *at, const struct kind *kind, size_t bytes, const char *piece)
{
	size_t len = strlen(kind->piece);
	for (; bytes >= len; bytes -= len)
		at = put(at, piece);
	memset(at, 'x', bytes);
	return at + bytes;
}

static void
make_line(const struct shape *shape, char *at, const char *before, size_t filling)
{
	at = put(put(at, before), MARK_CLIENT);
	at = put(put_digits(at, RECORD_CLIENT_DIGITS, 0), MARK_NUMBER);
	at = put(put_digits(at, RECORD_NUMBER_DIGITS, 0), " ");
	put(put_pieces(at, shape->kind, filling, shape->kind->piece), shape->kind->after);
}

static void
make_rest(struct shape *shape, size_t filling)
{
	const struct kind *kind = shape->kind;
	const char *behind = shape->lines + shape->number_at + RECORD_NUMBER_DIGITS;
	size_t sent = (size_t)(shape->lines + shape->line_bytes - behind);
	/* No piece is longer in the file than in the line; the JSON format adds a brace. */
	char *at = shape->rest = malloc(sent + 1);
	if (at == NULL)
		err(EX_OSERR, "record");
	if (shape->format == LOG_TEXT || shape->format == LOG_PEER) {
		bool text = shape->format == LOG_TEXT;
		at = put_pieces(put(at, " "), kind, filling, text ? kind->text : kind->plain);
	} else {
		memcpy(at, behind, sent - 1);
		at = put(at + sent - 1, shape->format == LOG_JSON ? "}" : "");
	}
	shape->rest_bytes = (size_t)(at - shape->rest);
}

void
shape_init(struct shape *shape, const struct plan *plan)
{
	const struct kind *kind = kind_of(plan->kind);
	size_t least = strlen(kind->before) + MARK_BYTES + strlen(kind->after);

	if (plan->line_bytes < least)
		errx(EX_USAGE, "--size: lines of kind %s have at least %zu bytes", kind->name,
			least);
	*shape = (struct shape){
		.kind = kind,
		.format = format_of(plan->format),
		.line_bytes = plan->line_bytes,
		.period = kind->filtered != NULL ? 2 : 1,
		.client_at = strlen(kind->before) + sizeof MARK_CLIENT - 1,
		.number_at = strlen(kind->before) + NUMBER_AT,
	};
	shape->lines = malloc(shape->period * shape->line_bytes);
	if (shape->lines == NULL)
		err(EX_OSERR, "record");
	make_line(shape, shape->lines, kind->before, plan->line_bytes - least);
	if (kind->filtered != NULL)
		make_line(shape, shape->lines + shape->line_bytes, kind->filtered,
			plan->line_bytes - least);
	make_rest(shape, plan->line_bytes - least);
}

void
shape_fini(struct shape *shape)
{
	free(shape->lines);
	free(shape->rest);
}

enum fate
record_fate(const struct plan *plan, uint64_t number)
{
	return plan->unfiltered || number % plan->shape.period == 0 ? FATE_RECEIVED : FATE_FILTERED;
}

size_t
record_file_bytes(const struct shape *shape)
{
	size_t ahead = shape->number_at;
	if (shape->format == LOG_TEXT)
		ahead = sizeof TIME_TEXT - 1 + sizeof LEVEL - 1 + NUMBER_AT;
	else if (shape->format == LOG_PEER)
		ahead = sizeof TIME_PEER - 1 + sizeof LEVEL - 1 + NUMBER_AT;
	return ahead + RECORD_NUMBER_DIGITS + shape->rest_bytes + 1;
}

void
record_sign(const struct shape *shape, char *line, size_t client)
{
	put_digits(line + shape->client_at, RECORD_CLIENT_DIGITS, client);
}

void
record_count_up(char *digits)
{
	for (char *digit = digits + RECORD_NUMBER_DIGITS - 1; digit >= digits; digit--) {
		if (*digit != '9') {
			++*digit;
			return;
		}
		*digit = '0';
	}
}

/* Takes the literal off the front. */
static bool
take(const char **at, const char *end, const char *literal)
{
	size_t len = strlen(literal);
	if ((size_t)(end - *at) < len || memcmp(*at, literal, len) != 0)
		return false;
	*at += len;
	return true;
}

static bool
take_digits(const char **at, const char *end, int width, uint64_t *value)
{
	if (end - *at < width)
		return false;
	*value = 0;
	for (; width > 0; width--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (uint64_t)(**at - '0');
	}
	return true;
}

/* A zero of the shape stands for any digit. */
static bool
take_time(const char **at, const char *end, const char *shape)
{
	if ((size_t)(end - *at) < strlen(shape))
		return false;
	for (; *shape != '\0'; shape++, ++*at) {
		if (*shape == '0' ? **at < '0' || **at > '9' : **at != *shape)
			return false;
	}
	return true;
}

static bool
take_address(const char **at, const char *end)
{
	const char *start = *at;
	while (*at < end && strchr("0123456789abcdef.:", **at) != NULL)
		++*at;
	return *at > start;
}

/* Takes what the log format puts ahead of the message, or of the line. */
static bool
take_frame(enum log_format format, const char **at, const char *end)
{
	if (format == LOG_JSON)
		return take(at, end, "{\"time\": \"") && take_time(at, end, TIME_TEXT) &&
		       take(at, end, "\", \"client\": \"") && take_address(at, end) &&
		       take(at, end, "\", \"level\": \"INFO\", \"record\": ");
	return format == LOG_RAW ||
	       (take_time(at, end, format == LOG_TEXT ? TIME_TEXT : TIME_PEER) &&
		       take(at, end, LEVEL));
}

bool
record_parse(
	const struct plan *plan, const char *line, size_t len, size_t *client, uint64_t *number)
{
	const struct shape *shape = &plan->shape;
	const char *end = line + len, *sent = NULL;
	uint64_t who;

	if (!take_frame(shape->format, &line, end))
		return false;
	if (shape->format == LOG_JSON || shape->format == LOG_RAW) {
		size_t before = shape->number_at - NUMBER_AT;
		sent = line;
		if ((size_t)(end - line) < before)
			return false;
		line += before;
	}
	if (!take(&line, end, MARK_CLIENT) ||
		!take_digits(&line, end, RECORD_CLIENT_DIGITS, &who) ||
		!take(&line, end, MARK_NUMBER) ||
		!take_digits(&line, end, RECORD_NUMBER_DIGITS, number) ||
		(size_t)(end - line) != shape->rest_bytes ||
		memcmp(line, shape->rest, shape->rest_bytes) != 0)
		return false;
	*client = (size_t)who;
	const char *wanted = shape->lines + *number % shape->period * shape->line_bytes;
	return sent == NULL ? record_fate(plan, *number) == FATE_RECEIVED
	                    : memcmp(sent, wanted, shape->number_at - NUMBER_AT) == 0;
}
