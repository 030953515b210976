/* SPDX-License-Identifier: ISC */
/* Wraps text as JSON.  json-c does the escaping, but it passes bytes that are not UTF-8 on as they
 * are, so they are replaced first. */
#include "send/request.h"

#include <errno.h>
#include <json-c/json.h>

/* The well-formed sequences of more than one byte, by their first byte (Unicode, table 3-7). */
static const struct {
	unsigned char first, last;            /* this row is for these first bytes */
	unsigned char second_min, second_max; /* later ones are 80 to BF */
	size_t len;
} sequences[] = {
	{0xC2, 0xDF, 0x80, 0xBF, 2},
	{0xE0, 0xE0, 0xA0, 0xBF, 3},
	{0xE1, 0xEC, 0x80, 0xBF, 3},
	{0xED, 0xED, 0x80, 0x9F, 3},
	{0xEE, 0xEF, 0x80, 0xBF, 3},
	{0xF0, 0xF0, 0x90, 0xBF, 4},
	{0xF1, 0xF3, 0x80, 0xBF, 4},
	{0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* How many bytes at the start (one at least) are one character or, *valid false, one ill-formed
 * stretch. */
static size_t
measure(struct slice text, bool *valid)
{
	const unsigned char *bytes = (const unsigned char *)text.data;
	*valid = bytes[0] < 0x80;
	for (size_t i = 0; !*valid && i < sizeof sequences / sizeof sequences[0]; i++) {
		if (bytes[0] < sequences[i].first || bytes[0] > sequences[i].last)
			continue;
		if (text.len < 2 || bytes[1] < sequences[i].second_min ||
			bytes[1] > sequences[i].second_max)
			return 1;
		size_t len = 2;
		while (len < sequences[i].len && len < text.len && (bytes[len] & 0xC0) == 0x80)
			len++;
		*valid = len == sequences[i].len;
		return len;
	}
	return 1;
}

/* How many bytes at the start are valid UTF-8. */
static size_t
measure_valid(struct slice text)
{
	size_t done = 0;
	bool valid = true;
	while (done < text.len) {
		if ((unsigned char)text.data[done] < 0x80) {
			done++;
			continue;
		}
		size_t len = measure((struct slice){text.data + done, text.len - done}, &valid);
		if (!valid)
			break;
		done += len;
	}
	return done;
}

static int
repair(struct buf *out, struct slice text)
{
	static const struct slice replacement = SLICE("\xEF\xBF\xBD");
	while (text.len > 0) {
		bool valid;
		size_t good = measure_valid(text);
		if (buf_append(out, (struct slice){text.data, good}) != 0)
			return -1;
		text = (struct slice){text.data + good, text.len - good};
		if (text.len == 0)
			break;
		size_t bad = measure(text, &valid);
		if (buf_append(out, replacement) != 0)
			return -1;
		text = (struct slice){text.data + bad, text.len - bad};
	}
	return 0;
}

static int
add_member(struct json_object *record, const char *name, struct slice text)
{
	struct buf repaired = {0};
	int result = -1;
	if (measure_valid(text) < text.len) {
		if (repair(&repaired, text) != 0)
			goto out;
		text = buf_slice(&repaired);
	}
	struct json_object *value = json_object_new_string_len(
		text.len > 0 ? text.data : "", (int)text.len);
	if (value != NULL && json_object_object_add(record, name, value) == 0)
		result = 0;
	else
		json_object_put(value);
out:
	buf_fini(&repaired);
	return result;
}

int
request_wrap(struct buf *out, struct slice level, struct slice text)
{
	if (level.len > REQUEST_TEXT_MAX || text.len > REQUEST_TEXT_MAX - level.len) {
		errno = EFBIG;
		return -1;
	}
	struct json_object *record = json_object_new_object();
	const char *json = NULL;
	size_t len = 0;
	if (record != NULL && add_member(record, "level", level) == 0 &&
		add_member(record, "message", text) == 0)
		json = json_object_to_json_string_length(
			record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	int result = json != NULL ? buf_append(out, (struct slice){json, len}) : -1;
	json_object_put(record);
	if (result != 0)
		errno = ENOMEM;
	return result;
}
