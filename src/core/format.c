/* SPDX-License-Identifier: ISC */
/* Writes records the way LogFormat says. */
#include "core/format.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

#include "base/civil.h"
#include "base/word.h"

enum {
	DAY_SECONDS = 86400,
	FIRST_DAY = -719528, /* 0000-01-01 */
	LAST_DAY = 2932896,  /* 9999-12-31 */
};

/* A number of so many digits and the character behind it. */
static char *
put_field(char *at, int64_t value, int digits, char behind)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	at[digits] = behind;
	return at + digits + 1;
}

static char *
put_date(char *at, int64_t day)
{
	struct civil date = civil_of_day(day);
	at = put_field(at, date.year, 4, '-');
	at = put_field(at, date.month, 2, '-');
	return put_field(at, date.day, 2, 'T');
}

/* The quotient rounded down; the remainder is never negative. */
static int64_t
divide(int64_t value, int64_t by, int64_t *rest)
{
	bool below = value % by < 0;
	*rest = value % by + (below ? by : 0);
	return value / by - below;
}

void
format_stamp(int64_t wall_us, char stamp[static FORMAT_STAMP_BYTES + 1])
{
	int64_t us, second;
	int64_t day = divide(divide(wall_us, 1000000, &us), DAY_SECONDS, &second);
	if (day < FIRST_DAY) {
		day = FIRST_DAY;
		second = us = 0;
	} else if (day > LAST_DAY) {
		day = LAST_DAY;
		second = DAY_SECONDS - 1;
		us = 999999;
	}
	char *at = put_date(stamp, day);
	at = put_field(at, second / 3600, 2, ':');
	at = put_field(at, second / 60 % 60, 2, ':');
	at = put_field(at, second % 60, 2, '.');
	at = put_field(at, us, 6, 'Z');
	*at = '\0';
}

/* The control character that begins here, or -1.  C1 characters are C2 80 to C2 9F in UTF-8. */
static int
control_at(const char *at, const char *end)
{
	unsigned char c = (unsigned char)*at;
	if (c < 0x20 || c == 0x7f)
		return c;
	if (c != 0xc2 || end - at < 2)
		return -1;
	unsigned char second = (unsigned char)at[1];
	return second >= 0x80 && second <= 0x9f ? second : -1;
}

/* Where the next control character begins, or the end. */
static const char *
skip_harmless(const char *at, const char *end)
{
	while (at < end) {
		if (end - at >= WORD_BYTES) {
			uint64_t word = word_load(at);
			uint64_t suspect = word_below(word, 0x20) | word_equal(word, 0x7f) |
			                   word_equal(word, 0xc2);
			at += suspect == 0 ? WORD_BYTES : word_first(suspect);
			if (suspect == 0)
				continue;
		}
		if (control_at(at, end) >= 0)
			return at;
		at++;
	}
	return end;
}

static int
put_escape(struct buf *out, unsigned control)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	static const char hex[] = "0123456789abcdef";
	char *at = buf_reserve(out, 6);
	if (at == NULL)
		return -1;
	*at++ = '\\';
	if (control < sizeof letters && letters[control] != '\0') {
		*at++ = letters[control];
	} else {
		*at++ = 'u';
		*at++ = '0';
		*at++ = '0';
		*at++ = hex[control >> 4 & 15];
		*at++ = hex[control & 15];
	}
	out->len = (size_t)(at - out->data);
	return 0;
}

static int
put_escaped(struct buf *out, struct slice text)
{
	const char *at = text.data, *end = at + text.len;
	while (at < end) {
		const char *control = skip_harmless(at, end);
		if (buf_append(out, (struct slice){at, (size_t)(control - at)}) != 0)
			return -1;
		if (control == end)
			break;
		if (put_escape(out, (unsigned)control_at(control, end)) != 0)
			return -1;
		at = control + (*control == '\xc2' ? 2 : 1);
	}
	return 0;
}

/* The text as a JSON string, made by json-c. */
static int
put_json_string(struct buf *out, struct slice text)
{
	struct json_object *string = text.len <= INT_MAX
	                                     ? json_object_new_string_len(text.data, (int)text.len)
	                                     : NULL;
	if (string == NULL) {
		errno = ENOMEM;
		return -1;
	}
	size_t len = 0;
	const char *json = json_object_to_json_string_length(
		string, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	int status = json != NULL ? buf_append(out, (struct slice){json, len}) : -1;
	json_object_put(string);
	return status;
}

static int
put(struct buf *out, const char *literal)
{
	return buf_append(out, slice_of(literal));
}

static struct slice
level_text(const struct record *record)
{
	return record->level == LEVEL_UNKNOWN ? record->level_text : level_name(record->level);
}

static int
put_text(struct buf *out, const struct format_context *context, const struct record *record)
{
	if (buf_append(out, (struct slice){context->stamp, FORMAT_STAMP_BYTES}) != 0 ||
		put(out, " [") != 0 || put_escaped(out, level_text(record)) != 0 ||
		put(out, "] ") != 0 || put_escaped(out, record->message) != 0)
		return -1;
	return put(out, "\n");
}

static int
put_json_level(struct buf *out, const struct record *record)
{
	if (record->level == LEVEL_UNKNOWN)
		return put_json_string(out, record->level_text);
	if (put(out, "\"") != 0 || buf_append(out, level_name(record->level)) != 0)
		return -1;
	return put(out, "\"");
}

static int
put_json(struct buf *out, const struct format_context *context, const struct record *record)
{
	if (put(out, "{\"time\": \"") != 0 ||
		buf_append(out, (struct slice){context->stamp, FORMAT_STAMP_BYTES}) != 0 ||
		put(out, "\", \"client\": \"") != 0 || buf_append(out, context->client) != 0 ||
		put(out, "\", \"level\": ") != 0 || put_json_level(out, record) != 0 ||
		put(out, ", \"record\": ") != 0 || buf_append(out, record->line) != 0)
		return -1;
	return put(out, "}\n");
}

static int
put_raw(struct buf *out, const struct format_context *context, const struct record *record)
{
	(void)context;
	return buf_append(out, record->line) == 0 ? put(out, "\n") : -1;
}

int
format_record(struct buf *out, const struct format_context *context, const struct record *record)
{
	static int (*const put_as[])(
		struct buf *, const struct format_context *, const struct record *) = {
		[LOG_FORMAT_TEXT] = put_text,
		[LOG_FORMAT_JSON] = put_json,
		[LOG_FORMAT_RAW] = put_raw,
	};
	size_t before = out->len;
	if (put_as[context->format](out, context, record) == 0)
		return 0;
	out->len = before;
	return -1;
}
