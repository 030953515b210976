/* SPDX-License-Identifier: ISC */
/* The numbered records: how they are made, and what they must look like in the log file. */
#include "bench/loadgen.h"

#define MARK_CLIENT "c="
#define MARK_NUMBER " n="
enum {
	HEAD_BYTES = sizeof RECORD_HEAD - 1,
	TAIL_BYTES = sizeof RECORD_TAIL - 1,
	CLIENT_AT = sizeof MARK_CLIENT - 1, /* in the message */
	NUMBER_AT = CLIENT_AT + RECORD_CLIENT_DIGITS + sizeof MARK_NUMBER - 1,
	MESSAGE_MIN = NUMBER_AT + RECORD_NUMBER_DIGITS + 1,
};

size_t
record_bytes_min(void)
{
	return HEAD_BYTES + MESSAGE_MIN + TAIL_BYTES;
}

size_t
record_number_offset(void)
{
	return HEAD_BYTES + NUMBER_AT;
}

static void
put_digits(char *at, int width, uint64_t value)
{
	while (width-- > 0) {
		at[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
record_template(char *line, size_t line_bytes, size_t client)
{
	char *message = line + HEAD_BYTES;
	memset(line, 'x', line_bytes);
	memcpy(line, RECORD_HEAD, HEAD_BYTES);
	memcpy(message, MARK_CLIENT, CLIENT_AT);
	put_digits(message + CLIENT_AT, RECORD_CLIENT_DIGITS, client);
	memcpy(message + CLIENT_AT + RECORD_CLIENT_DIGITS, MARK_NUMBER, sizeof MARK_NUMBER - 1);
	put_digits(message + NUMBER_AT, RECORD_NUMBER_DIGITS, 0);
	message[NUMBER_AT + RECORD_NUMBER_DIGITS] = ' ';
	memcpy(line + line_bytes - TAIL_BYTES, RECORD_TAIL, TAIL_BYTES);
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

static bool
get_digits(const char *at, int width, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < width; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*value = *value * 10 + (uint64_t)(at[i] - '0');
	}
	return true;
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
take_time(const char **at, const char *end)
{
	static const char shape[] = "0000-00-00T00:00:00.000000Z";
	if ((size_t)(end - *at) < sizeof shape - 1)
		return false;
	for (const char *want = shape; *want != '\0'; want++, ++*at) {
		if (*want == '0' ? **at < '0' || **at > '9' : **at != *want)
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

/* Takes all that the log format puts around the message, from both ends. */
static bool
take_frame(enum log_format format, const char **at, const char **end)
{
	static const char tail[] = RECORD_TAIL, json_tail[] = "\"}}\n";
	const char *want = format == LOG_JSON ? json_tail : tail;
	size_t tail_len = strlen(want) - 1; /* the newline is off already */

	if (format == LOG_TEXT)
		return take_time(at, *end) && take(at, *end, " [INFO] ");
	if (format == LOG_JSON &&
		!(take(at, *end, "{\"time\": \"") && take_time(at, *end) &&
			take(at, *end, "\", \"client\": \"") && take_address(at, *end) &&
			take(at, *end, "\", \"level\": \"INFO\", \"record\": ")))
		return false;
	if (!take(at, *end, RECORD_HEAD) || (size_t)(*end - *at) < tail_len)
		return false;
	*end -= tail_len;
	return memcmp(*end, want, tail_len) == 0;
}

bool
record_parse(
	const struct plan *plan, const char *line, size_t len, size_t *client, uint64_t *number)
{
	const char *end = line + len;
	if (!take_frame(plan->log_format, &line, &end) ||
		(size_t)(end - line) != plan->line_bytes - HEAD_BYTES - TAIL_BYTES)
		return false;
	uint64_t who;
	if (!take(&line, end, MARK_CLIENT) || !get_digits(line, RECORD_CLIENT_DIGITS, &who))
		return false;
	line += RECORD_CLIENT_DIGITS;
	if (!take(&line, end, MARK_NUMBER) || !get_digits(line, RECORD_NUMBER_DIGITS, number))
		return false;
	line += RECORD_NUMBER_DIGITS;
	if (!take(&line, end, " "))
		return false;
	/* The rest is x up to the end: each equal to the one before it, and the first an x. */
	size_t rest = (size_t)(end - line);
	*client = (size_t)who;
	return rest == 0 || (*line == 'x' && memcmp(line, line + 1, rest - 1) == 0);
}
