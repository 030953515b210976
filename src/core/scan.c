/* SPDX-License-Identifier: ISC */
/*
 * The JSON scanner.  A function takes the place where its token begins and returns the place behind
 * it, or NULL when the bytes are no such token.
 *
 * Nobody reads outside the line.  An array or an object is begun only when the line ends with its closing
 * bracket, which is no part of any other token: whatever else is passed over, there is a byte behind
 * it, and only who has passed a bracket has to ask whether it was the last one.
 */
#include "core/scan.h"

#include <stdint.h>

#include "core/decode.h"
#include "core/quoted.h"

typedef unsigned char byte; /* chars must not be signed here */

enum { NAME_ROOM = FIELD_NAME_BYTES_MAX + 8 }; /* a character more than fits */

static bool
is_space(byte c)
{
	return c <= ' ' && (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

static __attribute__((noinline)) const byte *
skip_spaces(const byte *at)
{
	while (is_space(*at))
		at++;
	return at;
}

/* Inside brackets.  Mostly there is none, or one. */
static inline const byte *
skip_space(const byte *at)
{
	if (*at > ' ')
		return at;
	return *at == ' ' && at[1] > ' ' ? at + 1 : skip_spaces(at);
}

/* The line without the white space around its value. */
static struct span
trim(struct span in)
{
	while (in.begin < in.end && is_space(in.begin[0]))
		in.begin++;
	while (in.begin < in.end && is_space(in.end[-1]))
		in.end--;
	return in;
}

static bool
is_digit(byte c)
{
	return c >= '0' && c <= '9';
}

/* At least one digit. */
static const byte *
skip_digits(const byte *at, const byte *end)
{
	const byte *first = at;
	while (at < end && is_digit(*at))
		at++;
	return at > first ? at : NULL;
}

static const byte *
skip_number(const byte *at, const byte *end)
{
	if (*at == '-')
		at++;
	if (at < end && *at == '0')
		at++; /* a digit behind it will be one too many */
	else
		at = skip_digits(at, end);
	if (at != NULL && at < end && *at == '.')
		at = skip_digits(at + 1, end);
	if (at != NULL && at < end && (*at | 0x20) == 'e') {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		at = skip_digits(at, end);
	}
	return at;
}

static inline const byte *
skip_word(const byte *at, const byte *end, const char *word, size_t len)
{
	return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* A value that is no array, no object and no string. */
static const byte *
skip_plain_scalar(const byte *at, const byte *end)
{
	switch (*at) {
	case 't':
		return skip_word(at, end, "true", 4);
	case 'f':
		return skip_word(at, end, "false", 5);
	case 'n':
		return skip_word(at, end, "null", 4);
	default:
		return *at == '-' || is_digit(*at) ? skip_number(at, end) : NULL;
	}
}

static const byte *
skip_scalar(const byte *at, struct span in)
{
	unsigned ignored = 0;
	return *at == '"' ? quoted_skip(at + 1, in, &ignored) : skip_plain_scalar(at, in.end);
}

/* From behind a member's name, its quote included, to its value. */
static inline const byte *
skip_colon(const byte *at)
{
	at = skip_space(at);
	return *at == ':' ? skip_space(at + 1) : NULL;
}

/* A member's name, its colon and the space around them: from before the name to the value. */
static const byte *
skip_name(const byte *at, struct span in)
{
	unsigned ignored = 0;
	at = skip_space(at);
	if (*at != '"')
		return NULL;
	at = quoted_skip(at + 1, in, &ignored);
	return at != NULL ? skip_colon(at) : NULL;
}

/* The arrays and objects that are open: a set bit is an object. */
struct nest {
	uint64_t objects[SCAN_DEPTH_MAX / 64];
	unsigned depth, limit;
};

static bool
nest_in_object(const struct nest *nest)
{
	unsigned top = nest->depth - 1;
	return (nest->objects[top / 64] >> top % 64 & 1) != 0;
}

static bool
nest_push(struct nest *nest, bool object)
{
	if (nest->depth == nest->limit)
		return false;
	unsigned top = nest->depth++;
	uint64_t bit = UINT64_C(1) << top % 64;
	if (object)
		nest->objects[top / 64] |= bit;
	else
		nest->objects[top / 64] &= ~bit;
	return true;
}

/* From an opening bracket to its first value, or to its closing bracket when that comes first. */
static const byte *
open_container(const byte *at, struct span in, struct nest *nest, bool *empty)
{
	bool object = *at == '{';
	if (!nest_push(nest, object))
		return NULL;
	at = skip_space(at + 1);
	*empty = *at == (object ? '}' : ']');
	return object && !*empty ? skip_name(at, in) : at;
}

/* From behind a value through closing brackets to the next value, or behind the outermost. */
static const byte *
close_containers(const byte *at, struct span in, struct nest *nest)
{
	while (nest->depth > 0) {
		bool object = nest_in_object(nest);
		if (at == in.end)
			return NULL;
		at = skip_space(at);
		if (*at == ',')
			return object ? skip_name(at + 1, in) : skip_space(at + 1);
		if (*at++ != (object ? '}' : ']'))
			return NULL;
		nest->depth--;
	}
	return at;
}

/* An array or an object, nested at most `limit` deep. */
static __attribute__((noinline)) const byte *
skip_container(const byte *at, struct span in, unsigned limit)
{
	struct nest nest = {.limit = limit};
	do {
		if (*at == '{' || *at == '[') {
			bool empty;
			at = open_container(at, in, &nest, &empty);
			if (at != NULL && !empty)
				continue;
		} else {
			at = skip_scalar(at, in);
		}
		if (at != NULL)
			at = close_containers(at, in, &nest);
	} while (at != NULL && nest.depth > 0);
	return at;
}

static void
keep(struct scan_value *value, const byte *first, const byte *last)
{
	value->text = (struct slice){(const char *)first, (size_t)(last - first)};
	value->present = true;
}

/* A value of the outermost object, which is kept where there is a place for it. */
static inline const byte *
scan_member(const byte *at, struct span in, struct scan_value *value)
{
	const byte *first = at;
	if (*at == '"') {
		unsigned traits = 0;
		at = quoted_skip(at + 1, in, &traits);
		if (value == NULL || at == NULL)
			return at;
		keep(value, first + 1, at - 1);
		value->is_string = true;
		value->escaped = (traits & QUOTED_ESCAPED) != 0;
		value->harmless = traits == 0;
		return at;
	}
	if (*at == '{' || *at == '[')
		at = skip_container(at, in, SCAN_DEPTH_MAX - 1);
	else
		at = skip_plain_scalar(at, in.end);
	if (value != NULL && at != NULL) {
		keep(value, first, at);
		value->is_string = value->escaped = value->harmless = false;
	}
	return at;
}

/* What an escaped name means; where that is longer than any name we know, it is cut off and still is. */
static struct slice
decode_name(struct slice name, char room[static NAME_ROOM])
{
	const char *at = name.data, *end = at + name.len;
	char *to = room;
	while (at < end && to - room <= FIELD_NAME_BYTES_MAX) {
		if (*at == '\\')
			to = decode_escape(to, &at, end);
		else
			*to++ = *at++;
	}
	return (struct slice){room, (size_t)(to - room)};
}

static inline struct scan_value *
place_of(struct slice name, struct scan *out)
{
	if (name.len == 5)
		return memcmp(name.data, "level", 5) == 0 ? &out->level : NULL;
	if (name.len == 7)
		return memcmp(name.data, "message", 7) == 0 ? &out->message : NULL;
	return NULL;
}

/* Apart, because who has an array here pays for it in each line. */
static __attribute__((noinline)) struct scan_value *
place_of_escaped(struct slice name, struct scan *out)
{
	char room[NAME_ROOM];
	return place_of(decode_name(name, room), out);
}

/* A member's name as it stands between its quotes; returns the place behind them. */
static inline const byte *
take_name(const byte *at, struct span in, struct slice *name, unsigned *traits)
{
	if (*at != '"')
		return NULL;
	const byte *first = at + 1;
	at = quoted_skip(first, in, traits);
	if (at != NULL)
		*name = (struct slice){(const char *)first, (size_t)(at - 1 - first)};
	return at;
}

/* As skip_name(), behind the space; *value becomes the place for the value, or NULL. */
static inline const byte *
scan_name(const byte *at, struct span in, struct scan *out, struct scan_value **value)
{
	/* The names that every record has are met as words of eight bytes. */
	if (in.end - at > 10) {
		uint64_t word = word_load(at);
		if (word == word_load("\"level\":")) {
			*value = &out->level;
			return skip_space(at + 8);
		}
		if (word == word_load("\"message") && at[8] == '"' && at[9] == ':') {
			*value = &out->message;
			return skip_space(at + 10);
		}
	}
	struct slice name;
	unsigned traits = 0;
	at = take_name(at, in, &name, &traits);
	if (at == NULL)
		return NULL;
	*value = traits & QUOTED_ESCAPED ? place_of_escaped(name, out) : place_of(name, out);
	return skip_colon(at);
}

/* The outermost object: from its opening bracket to behind its closing one. */
static const byte *
scan_object(const byte *at, struct span in, struct scan *out)
{
	at = skip_space(at + 1);
	if (*at == '}')
		return at + 1;
	for (;;) {
		struct scan_value *value;
		at = scan_name(at, in, out, &value);
		if (at == NULL)
			return NULL;
		at = scan_member(at, in, value);
		if (at == NULL || at == in.end)
			return NULL;
		at = skip_space(at);
		if (*at != ',')
			return *at == '}' ? at + 1 : NULL;
		at = skip_space(at + 1);
	}
}

/* Takes a member's value where its name is no worse than the one that it was taken from before. */
static void
offer(struct scan_value *value, unsigned *best, unsigned rank, const struct scan_value *found)
{
	if (rank > *best)
		return;
	*best = rank;
	*value = *found;
}

/* The same with names of the settings, which may stand in both lists. */
static __attribute__((noinline)) const byte *
scan_object_named(const byte *at, struct span in, const struct fields *fields, struct scan *out)
{
	unsigned level_best = FIELD_NAMES_MAX - 1, message_best = FIELD_NAMES_MAX - 1;
	at = skip_space(at + 1);
	if (*at == '}')
		return at + 1;
	for (;;) {
		char room[NAME_ROOM];
		struct slice name;
		struct scan_value found;
		unsigned traits = 0;
		at = take_name(at, in, &name, &traits);
		at = at != NULL ? skip_colon(at) : NULL;
		at = at != NULL ? scan_member(at, in, &found) : NULL;
		if (at == NULL || at == in.end)
			return NULL;
		if (traits & QUOTED_ESCAPED)
			name = decode_name(name, room);
		offer(&out->level, &level_best,
			field_list_find(&fields->level, (struct slice)SLICE("level"), name),
			&found);
		offer(&out->message, &message_best,
			field_list_find(&fields->message, (struct slice)SLICE("message"), name),
			&found);
		at = skip_space(at);
		if (*at != ',')
			return *at == '}' ? at + 1 : NULL;
		at = skip_space(at + 1);
	}
}

static const byte *
scan_outermost(struct span in, const struct fields *fields, struct scan *out)
{
	out->level.present = out->message.present = false;
	return fields_are_standard(fields) ? scan_object(in.begin, in, out)
	                                   : scan_object_named(in.begin, in, fields, out);
}

enum scan_result
scan_line(struct slice line, const struct fields *fields, struct scan *out)
{
	struct span in = trim(span_of(line));
	if (in.begin == in.end)
		return SCAN_INVALID;
	byte first = in.begin[0], last = in.end[-1];
	if (first == '{')
		return last == '}' && scan_outermost(in, fields, out) == in.end ? SCAN_OBJECT
		                                                                : SCAN_INVALID;
	const byte *at;
	if (first == '[')
		at = last == ']' ? skip_container(in.begin, in, SCAN_DEPTH_MAX) : NULL;
	else
		at = skip_scalar(in.begin, in);
	return at == in.end ? SCAN_NOT_OBJECT : SCAN_INVALID;
}
