/* SPDX-License-Identifier: ISC */
/* Writes records the way LogFormat says. */
#include "core/format.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

#include "base/bytes.h"
#include "base/civil.h"

enum {
	DAY_SECONDS = 86400,
	FIRST_DAY = -719528, /* 0000-01-01 */
	LAST_DAY = 2932896,  /* 9999-12-31 */
	TAG_BYTES = 16,
	ESCAPE_BYTES = 6, /* of the longest escape */
};

#define TAG(literal)                                                                               \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

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

/* Puts bytes where room for them has been reserved; returns the place behind them. */
static char *
put(char *at, struct slice bytes)
{
	if (bytes.len > 0)
		memcpy(at, bytes.data, bytes.len);
	return at + bytes.len;
}

/* The control character that begins here, or -1.  C1 characters are C2 80 to C2 9F in UTF-8. */
static int
control_at(const unsigned char *at, const unsigned char *end)
{
	unsigned char c = *at;
	if (c < 0x20 || c == 0x7f)
		return c;
	if (c != 0xc2 || end - at < 2)
		return -1;
	return at[1] >= 0x80 && at[1] <= 0x9f ? at[1] : -1;
}

/* Where the next control character begins, or the end. */
static const unsigned char *
find_control(const unsigned char *at, struct span in)
{
	while ((at = bytes_find_suspect(at, in)) < in.end && control_at(at, in.end) < 0)
		at++;
	return at;
}

static char *
put_escape(char *at, unsigned control)
{
	static const char letters[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	static const char hex[] = "0123456789abcdef";
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
	return at;
}

/* The text with its control characters escaped. */
static int
put_escaped(struct buf *out, struct slice text)
{
	struct span in = span_of(text);
	const unsigned char *at = in.begin;
	for (;;) {
		/* All that is left fits, as far as it goes without another escape. */
		char *to = buf_reserve(out, (size_t)(in.end - at) + ESCAPE_BYTES);
		if (to == NULL)
			return -1;
		const unsigned char *control = find_control(at, in);
		to = put(to, (struct slice){(const char *)at, (size_t)(control - at)});
		if (control < in.end)
			to = put_escape(to, (unsigned)control_at(control, in.end));
		buf_extend(out, to);
		if (control == in.end)
			return 0;
		at = control + (*control == 0xc2 ? 2 : 1);
	}
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

/*
 * What stands between stamp and message.  All tags are copied with their padding, which is one
 * store; what comes next overwrites it.
 */
static const struct tag {
	char text[TAG_BYTES];
	size_t len;
} tags[] = {
	[LEVEL_DEBUG] = TAG(" [DEBUG] "),
	[LEVEL_INFO] = TAG(" [INFO] "),
	[LEVEL_WARNING] = TAG(" [WARNING] "),
	[LEVEL_ERROR] = TAG(" [ERROR] "),
	[LEVEL_CRITICAL] = TAG(" [CRITICAL] "),
	[LEVEL_UNKNOWN] = TAG(" ["), /* and the level as it was sent */
};

static int
add(struct buf *out, const char *text)
{
	return buf_append(out, slice_of(text));
}

static int
put_text(struct buf *out, const struct format_context *context, const struct record *record)
{
	const struct tag *tag = &tags[record->level];
	char *at = buf_reserve(out, FORMAT_STAMP_BYTES + TAG_BYTES + record->message.len + 1);
	if (at == NULL)
		return -1;
	memcpy(at, context->stamp, FORMAT_STAMP_BYTES);
	at += FORMAT_STAMP_BYTES;
	memcpy(at, tag->text, TAG_BYTES);
	at += tag->len;
	if (record->harmless && record->level != LEVEL_UNKNOWN) {
		at = put(at, record->message);
		*at++ = '\n';
		buf_extend(out, at);
		return 0;
	}
	buf_extend(out, at);
	if (record->level == LEVEL_UNKNOWN &&
		(put_escaped(out, record->level_text) != 0 || add(out, "] ") != 0))
		return -1;
	return put_escaped(out, record->message) == 0 ? add(out, "\n") : -1;
}

static int
put_json_level(struct buf *out, const struct record *record)
{
	if (record->level == LEVEL_UNKNOWN)
		return put_json_string(out, record->level_text);
	struct slice name = level_name(record->level);
	char *at = buf_reserve(out, name.len + 2);
	if (at == NULL)
		return -1;
	*at++ = '"';
	at = put(at, name);
	*at++ = '"';
	buf_extend(out, at);
	return 0;
}

static int
put_subject(struct buf *out, struct slice subject)
{
	static const struct slice name = SLICE("\", \"subject\": \"");
	return buf_append(out, name) == 0 ? buf_append(out, subject) : -1;
}

static int
put_json(struct buf *out, const struct format_context *context, const struct record *record)
{
	static const struct slice time = SLICE("{\"time\": \""),
				  client = SLICE("\", \"client\": \""),
				  level = SLICE("\", \"level\": "), line = SLICE(", \"record\": "),
				  end = SLICE("}\n");
	char *at = buf_reserve(
		out, time.len + FORMAT_STAMP_BYTES + client.len + context->client.len + level.len);
	if (at == NULL)
		return -1;
	at = put(at, time);
	at = put(at, (struct slice){context->stamp, FORMAT_STAMP_BYTES});
	at = put(at, client);
	buf_extend(out, put(at, context->client));
	if (context->subject.len > 0 && put_subject(out, context->subject) != 0)
		return -1;
	at = buf_reserve(out, level.len);
	if (at == NULL)
		return -1;
	buf_extend(out, put(at, level));
	if (put_json_level(out, record) != 0)
		return -1;
	at = buf_reserve(out, line.len + record->line.len + end.len);
	if (at == NULL)
		return -1;
	at = put(at, line);
	at = put(at, record->line);
	buf_extend(out, put(at, end));
	return 0;
}

static int
put_raw(struct buf *out, const struct record *record)
{
	char *at = buf_reserve(out, record->line.len + 1);
	if (at == NULL)
		return -1;
	at = put(at, record->line);
	*at++ = '\n';
	buf_extend(out, at);
	return 0;
}

static int
put_record(struct buf *out, const struct format_context *context, const struct record *record)
{
	switch (context->format) {
	case LOG_FORMAT_TEXT:
		return put_text(out, context, record);
	case LOG_FORMAT_JSON:
		return put_json(out, context, record);
	case LOG_FORMAT_RAW:
	default:
		return put_raw(out, record);
	}
}

int
format_record(struct buf *out, const struct format_context *context, const struct record *record)
{
	size_t before = out->len;
	int status = put_record(out, context, record);
	if (status != 0)
		out->len = before;
	return status;
}
