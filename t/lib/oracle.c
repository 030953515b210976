/* SPDX-License-Identifier: ISC */
/* The scanner and the decoder compared with json-c. */
#include "lib/oracle.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "core/decode.h"
#include "core/scan.h"

enum { DEPTH = 2 * SCAN_DEPTH_MAX };

/* Whether json-c takes the text; *value may be NULL also then (null).  The caller puts it. */
static bool
parse(struct slice text, struct json_object **value)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	if (tokener == NULL)
		abort();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*value = json_tokener_parse_ex(tokener, text.data, (int)text.len);
	/* A number at the very end is not over before something else comes. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		*value = json_tokener_parse_ex(tokener, " ", 1);
	bool taken = json_tokener_get_error(tokener) == json_tokener_success;
	json_tokener_free(tokener);
	return taken;
}

/* A value that is no string: what the scanner cut out must be the same value when read alone. */
static bool
same_value(struct slice text, struct json_object *expected)
{
	struct json_object *value;
	bool same = parse(text, &value) && json_object_equal(value, expected) != 0;
	json_object_put(value);
	return same;
}

/* Whether the scanner's string, decoded for this place, is json-c's. */
static bool
same_decoded(const struct scan_value *found, enum decode_place place, struct slice expected)
{
	struct decoder decoder = {.tokener = NULL};
	struct slice text = found->text;
	if (found->escaped && decode_string(&decoder, place, found->text, &text) != 0)
		abort();
	bool same = slice_equal(text, expected);
	decoder_fini(&decoder);
	return same;
}

static bool
same_string(const struct scan_value *found, struct json_object *expected)
{
	struct slice whole = {
		json_object_get_string(expected), (size_t)json_object_get_string_len(expected)};
	return same_decoded(found, DECODE_LEVEL, whole) &&
	       same_decoded(found, DECODE_MESSAGE, whole);
}

const struct fields *
oracle_fields(size_t n)
{
	/* One of several, names that need escapes, names that stand in both lists. */
	static const char *const names[ORACLE_FIELDS][2] = {{"level", "message"},
		{"severity level lvl log.level", "msg message log"},
		{"gr\xc3\xb6\xc3\x9f"
		 "e \xf0\x9f\x98\x80 a\"b a\\b l/v",
			"message l/v"},
		{"message", "level message"}};
	static struct fields fields[ORACLE_FIELDS];
	struct slice word, level = SLICE("level"), message = SLICE("message");
	if (field_list_parse(slice_of(names[n][0]), level, &fields[n].level, &word) != NULL ||
		field_list_parse(slice_of(names[n][1]), message, &fields[n].message, &word) != NULL)
		abort();
	return &fields[n];
}

/* What json-c has of the first of the names that is there. */
static bool
first_present(struct json_object *object, const struct field_list *list, struct slice standard,
	struct json_object **value)
{
	struct slice name;
	for (size_t i = 0; (name = field_list_name(list, standard, i)).len > 0; i++) {
		if (json_object_object_get_ex(object, name.data, value) != 0)
			return true;
	}
	return false;
}

static const char *
compare_member(struct json_object *object, const struct field_list *list, struct slice standard,
	const struct scan_value *found)
{
	struct json_object *expected = NULL;
	bool present = first_present(object, list, standard, &expected);
	if (present != found->present)
		return present ? "a member was not found" : "json-c finds no such member";
	if (!present)
		return NULL;
	bool is_string = json_object_is_type(expected, json_type_string) != 0;
	if (is_string != found->is_string)
		return "string or no string";
	bool same = is_string ? same_string(found, expected) : same_value(found->text, expected);
	return same ? NULL : "a member's value differs";
}

/*
 * Changes what json-c misreads, for both sides.  Its names end at a NUL: every \u0000 becomes \u0001.  It
 * takes U+1D800 to U+1DFFF, and those like them of other planes, for surrogates without company:
 * every \ud836 becomes \ud830.
 */
static void
spare_json_c(char *escape)
{
	if (memcmp(escape, "\\u0000", 6) == 0)
		escape[5] = '1';
	if (strchr("dD", escape[2]) != NULL && strchr("89abAB", escape[3]) != NULL &&
		strchr("37bfBF", escape[4]) != NULL && strchr("67", escape[5]) != NULL)
		escape[5] = '0';
}

/* A copy in which that is done. */
static struct slice
spared(struct slice text)
{
	char *copy = malloc(text.len);
	if (copy == NULL)
		abort();
	memcpy(copy, text.data, text.len);
	char *at = copy, *end = copy + text.len;
	while ((at = memmem(at, (size_t)(end - at), "\\u", 2)) != NULL) {
		if (end - at >= 6)
			spare_json_c(at);
		at += 2;
	}
	return (struct slice){copy, text.len};
}

static const char *
compare_members(struct slice text, const struct fields *fields)
{
	struct scan scan;
	struct json_object *object;
	struct slice copy = spared(text);
	const char *wrong = NULL;
	if (scan_line(copy, fields, &scan) != SCAN_OBJECT || !parse(copy, &object))
		abort();
	wrong = compare_member(object, &fields->level, (struct slice)SLICE("level"), &scan.level);
	if (wrong == NULL)
		wrong = compare_member(
			object, &fields->message, (struct slice)SLICE("message"), &scan.message);
	json_object_put(object);
	free((void *)copy.data);
	return wrong;
}

const char *
oracle_compare(struct slice text, const struct fields *fields)
{
	struct scan scan;
	struct json_object *value;
	enum scan_result result = scan_line(text, fields, &scan);
	bool taken = parse(text, &value);
	bool object = json_object_is_type(value, json_type_object) != 0;
	json_object_put(value);
	if (result == SCAN_INVALID)
		return NULL;
	if (!taken)
		return "json-c rejects what the scanner accepts";
	if (object != (result == SCAN_OBJECT))
		return "object or no object";
	return object ? compare_members(text, fields) : NULL;
}
