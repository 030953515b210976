/* SPDX-License-Identifier: ISC */
/*
 * The JSON scanner.  A function takes the place where its token begins and returns the place behind
 * it, or NULL when the bytes are no such token; nobody reads at or behind `end`.  Inside strings
 * plain ASCII is passed over eight bytes at a time, all else goes by a table of byte classes.
 */
#include "core/scan.h"

#include <stdint.h>

#include "base/hex.h"
#include "base/word.h"

typedef unsigned char byte; /* chars must not be signed here */

enum byte_class {
	PLAIN, /* may stand in a string as it is */
	QUOTE,
	BACKSLASH,
	CONTROL,
	/* the first bytes of UTF-8 sequences, by what may follow (RFC 3629, section 4) */
	LEAD_2,
	LEAD_E0,
	LEAD_3,
	LEAD_ED,
	LEAD_F0,
	LEAD_4,
	LEAD_F4,
	NEVER, /* in no UTF-8 text, or no first byte */
};

static const uint8_t class_of[256] = {
	[0x00 ... 0x1f] = CONTROL,
	['"'] = QUOTE,
	['\\'] = BACKSLASH,
	[0x80 ... 0xc1] = NEVER,
	[0xc2 ... 0xdf] = LEAD_2,
	[0xe0] = LEAD_E0,
	[0xe1 ... 0xec] = LEAD_3,
	[0xed] = LEAD_ED,
	[0xee ... 0xef] = LEAD_3,
	[0xf0] = LEAD_F0,
	[0xf1 ... 0xf3] = LEAD_4,
	[0xf4] = LEAD_F4,
	[0xf5 ... 0xff] = NEVER,
};

/* What a first byte promises.  Only the second byte's bounds differ; later ones are 80 to bf. */
static const struct {
	uint8_t bytes, second_low, second_high;
} leads[] = {
	[LEAD_2] = {2, 0x80, 0xbf},
	[LEAD_E0] = {3, 0xa0, 0xbf}, /* lower: overlong */
	[LEAD_3] = {3, 0x80, 0xbf},
	[LEAD_ED] = {3, 0x80, 0x9f}, /* higher: a surrogate */
	[LEAD_F0] = {4, 0x90, 0xbf}, /* lower: overlong */
	[LEAD_4] = {4, 0x80, 0xbf},
	[LEAD_F4] = {4, 0x80, 0x8f}, /* higher: beyond U+10FFFF */
};

static const byte *
skip_space(const byte *at, const byte *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

static bool
is_digit(byte c)
{
	return c >= '0' && c <= '9';
}

static const byte *
skip_plain(const byte *at, const byte *end)
{
	for (; end - at >= WORD_BYTES; at += WORD_BYTES) {
		uint64_t word = word_load(at);
		uint64_t special = word_below(word, 0x20) | word_equal(word, '"') |
		                   word_equal(word, '\\') | word_high(word);
		if (special != 0)
			return at + word_first(special);
	}
	while (at < end && class_of[*at] == PLAIN)
		at++;
	return at;
}

static const byte *
skip_utf8(const byte *at, const byte *end, enum byte_class lead)
{
	ptrdiff_t bytes = leads[lead].bytes;
	if (end - at < bytes || at[1] < leads[lead].second_low || at[1] > leads[lead].second_high)
		return NULL;
	for (ptrdiff_t i = 2; i < bytes; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return NULL;
	}
	return at + bytes;
}

static const byte *
skip_escape(const byte *at, const byte *end)
{
	if (end - at < 2)
		return NULL;
	if (at[1] != 'u')
		return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL ? at + 2 : NULL;
	return end - at >= 6 && hex_unit((const char *)at + 2) >= 0 ? at + 6 : NULL;
}

/* From behind the first quote to behind the last one; a backslash sets *escaped. */
static const byte *
skip_string(const byte *at, const byte *end, bool *escaped)
{
	while (at != NULL && (at = skip_plain(at, end)) < end) {
		enum byte_class class = class_of[*at];
		switch (class) {
		case PLAIN: /* not after skip_plain() */
		case CONTROL:
		case NEVER:
			return NULL;
		case QUOTE:
			return at + 1;
		case BACKSLASH:
			*escaped = true;
			at = skip_escape(at, end);
			break;
		default:
			at = skip_utf8(at, end, class);
		}
	}
	return NULL;
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

static const byte *
skip_word(const byte *at, const byte *end, struct slice word)
{
	if ((size_t)(end - at) < word.len || memcmp(at, word.data, word.len) != 0)
		return NULL;
	return at + word.len;
}

/* A value that is no array and no object. */
static const byte *
skip_scalar(const byte *at, const byte *end, struct scan_value *value)
{
	switch (*at) {
	case '"':
		value->is_string = true;
		return skip_string(at + 1, end, &value->escaped);
	case 't':
		return skip_word(at, end, (struct slice)SLICE("true"));
	case 'f':
		return skip_word(at, end, (struct slice)SLICE("false"));
	case 'n':
		return skip_word(at, end, (struct slice)SLICE("null"));
	default:
		return *at == '-' || is_digit(*at) ? skip_number(at, end) : NULL;
	}
}

/* A member's name, its colon and the space around them: from before the name to the value. */
static const byte *
skip_name(const byte *at, const byte *end, struct scan_value *name)
{
	at = skip_space(at, end);
	if (at == end || *at != '"')
		return NULL;
	const byte *first = at + 1;
	at = skip_string(first, end, &name->escaped);
	if (at == NULL)
		return NULL;
	name->text = (struct slice){(const char *)first, (size_t)(at - 1 - first)};
	at = skip_space(at, end);
	return at < end && *at == ':' ? skip_space(at + 1, end) : NULL;
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
open_container(const byte *at, const byte *end, struct nest *nest, bool *empty)
{
	bool object = *at == '{';
	if (!nest_push(nest, object))
		return NULL;
	at = skip_space(at + 1, end);
	*empty = at < end && *at == (object ? '}' : ']');
	struct scan_value ignored;
	return object && !*empty ? skip_name(at, end, &ignored) : at;
}

/* From behind a value through closing brackets to the next value, or behind the outermost. */
static const byte *
close_containers(const byte *at, const byte *end, struct nest *nest)
{
	while (nest->depth > 0) {
		bool object = nest_in_object(nest);
		at = skip_space(at, end);
		if (at == end)
			return NULL;
		if (*at == ',') {
			struct scan_value ignored;
			return object ? skip_name(at + 1, end, &ignored) : skip_space(at + 1, end);
		}
		if (*at++ != (object ? '}' : ']'))
			return NULL;
		nest->depth--;
	}
	return at;
}

/* Any value, nested at most `limit` deep. */
static const byte *
skip_value(const byte *at, const byte *end, unsigned limit, struct scan_value *value)
{
	struct nest nest = {.limit = limit};
	struct scan_value inner;
	const byte *first = at;
	*value = (struct scan_value){.present = true};
	do {
		if (at == end)
			return NULL;
		if (*at == '{' || *at == '[') {
			bool empty;
			at = open_container(at, end, &nest, &empty);
			if (at != NULL && !empty)
				continue;
		} else {
			at = skip_scalar(at, end, nest.depth == 0 ? value : &inner);
		}
		if (at != NULL)
			at = close_containers(at, end, &nest);
	} while (at != NULL && nest.depth > 0);
	if (at != NULL) {
		size_t quote = value->is_string ? 1 : 0;
		value->text.data = (const char *)first + quote;
		value->text.len = (size_t)(at - first) - 2 * quote;
	}
	return at;
}

/*
 * Whether a name means this word.  Only \uXXXX can stand for a letter, so the other escapes make a
 * name that is none of ours.
 */
static bool
name_is(const struct scan_value *name, struct slice word)
{
	if (!name->escaped)
		return slice_equal(name->text, word);
	const char *at = name->text.data, *end = at + name->text.len;
	for (size_t i = 0; i < word.len; i++) {
		int c = at < end ? *at++ : -1;
		if (c == '\\' && *at++ == 'u') {
			c = hex_unit(at);
			at += 4;
		}
		if (c != word.data[i])
			return false;
	}
	return at == end;
}

static void
keep_member(const struct scan_value *name, const struct scan_value *value, struct scan *out)
{
	if (name_is(name, (struct slice)SLICE("level")))
		out->level = *value;
	else if (name_is(name, (struct slice)SLICE("message")))
		out->message = *value;
}

/* The outermost object: from its opening bracket to behind its closing one. */
static const byte *
scan_object(const byte *at, const byte *end, struct scan *out)
{
	at = skip_space(at + 1, end);
	if (at < end && *at == '}')
		return at + 1;
	for (;;) {
		struct scan_value name = {.escaped = false}, value;
		at = skip_name(at, end, &name);
		if (at == NULL)
			return NULL;
		at = skip_value(at, end, SCAN_DEPTH_MAX - 1, &value);
		if (at == NULL)
			return NULL;
		keep_member(&name, &value, out);
		at = skip_space(at, end);
		if (at == end || (*at != ',' && *at != '}'))
			return NULL;
		if (*at++ == '}')
			return at;
	}
}

enum scan_result
scan_line(struct slice line, struct scan *out)
{
	if (line.len == 0)
		return SCAN_INVALID;
	const byte *end = (const byte *)line.data + line.len;
	const byte *at = skip_space((const byte *)line.data, end);
	if (at == end)
		return SCAN_INVALID;
	bool object = *at == '{';
	struct scan_value ignored;
	if (object) {
		*out = (struct scan){.level = {.present = false}};
		at = scan_object(at, end, out);
	} else {
		at = skip_value(at, end, SCAN_DEPTH_MAX, &ignored);
	}
	if (at == NULL || skip_space(at, end) != end)
		return SCAN_INVALID;
	return object ? SCAN_OBJECT : SCAN_NOT_OBJECT;
}
