/* SPDX-License-Identifier: ISC */
/* Reads answers with json-c, so that a server may space them as it likes. */
#include "send/answer.h"

#include <json-c/json.h>
#include <limits.h>

static const struct {
	const char *message;
	unsigned kind;
} messages[] = {
	{"received", VERDICT_RECEIVED},
	{"filtered", VERDICT_FILTERED},
	{"invalid JSON", VERDICT_INVALID},
	{"expected JSON object", VERDICT_NOT_OBJECT},
	{"missing required fields: level, message", VERDICT_MISSING},
	{"rate limit exceeded", VERDICT_LIMITED},
	{"line too long", VERDICT_TOO_LONG},
	{"unknown level", VERDICT_UNKNOWN_LEVEL},
	{"storage failure", VERDICT_FAILED},
	{"server busy", ANSWER_BUSY},
	{"access denied", ANSWER_DENIED},
};

/* The string of a member; empty where there is none. */
static const char *
member(struct json_object *object, const char *name)
{
	struct json_object *value;
	if (!json_object_object_get_ex(object, name, &value) ||
		!json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static unsigned
find_kind(const char *message)
{
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		if (strcmp(message, messages[i].message) == 0)
			return messages[i].kind;
	}
	return ANSWER_OTHER;
}

struct answer
answer_read(struct slice line)
{
	struct answer answer = {.line = line, .kind = ANSWER_OTHER};
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object = NULL;
	line = slice_trim(line);
	if (tokener != NULL && line.len > 0 && line.len <= INT_MAX) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
		object = json_tokener_parse_ex(tokener, line.data, (int)line.len);
	}
	if (json_object_is_type(object, json_type_object)) {
		answer.accepted = strcmp(member(object, "status"), "ok") == 0;
		answer.kind = find_kind(member(object, "message"));
	}
	json_object_put(object);
	if (tokener != NULL)
		json_tokener_free(tokener);
	return answer;
}

const char *
answer_name(unsigned kind)
{
	return kind < VERDICTS ? verdict_name((enum verdict)kind) : "other";
}
