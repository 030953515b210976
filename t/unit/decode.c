/* SPDX-License-Identifier: ISC */
/* Strings decoded: every escape, NUL, surrogates in any company, long texts. */
#include "core/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "unit/exact.h"
#include "unit/tap.h"

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FFFD         "\xef\xbf\xbd"

struct pair {
	struct slice quoted, decoded;
};

static void
expect_each(const struct pair *pairs, size_t count)
{
	struct decoder decoder = {.tokener = NULL};
	for (size_t i = 0; i < count; i++) {
		struct slice copy = exact_copy(pairs[i].quoted), out;
		struct slice inside = {copy.data + 1, copy.len - 2};
		CU_ASSERT_EQUAL_FATAL(decode_string(&decoder, DECODE_MESSAGE, inside, &out), 0);
		exact_free(copy); /* the result is the decoder's own */
		bool equal = slice_equal(out, pairs[i].decoded);
		if (!equal)
			printf("# %s\n", pairs[i].quoted.data);
		CU_ASSERT(equal);
	}
	decoder_fini(&decoder);
}

static void
plain(void)
{
	static const struct pair pairs[] = {
		{TEXT("\"\""), TEXT("")},
		{TEXT("\"a\""), TEXT("a")},
		{TEXT("\"'/{}[]:,\x7f\""), TEXT("'/{}[]:,\x7f")},
		{TEXT("\"gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x98\x80\""),
			TEXT("gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0 \xf0\x9f\x98\x80")},
	};
	expect_each(pairs, COUNT(pairs));
}

static void
escapes(void)
{
	static const struct pair pairs[] = {
		{TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), TEXT("\"\\/\b\f\n\r\t")},
		{TEXT("\"\\\\u0041\""), TEXT("\\u0041")},
		{TEXT("\"\\\\\\\\\""), TEXT("\\\\")},
		{TEXT("\"a\\u0041b\""), TEXT("aAb")},
		{TEXT("\"\\u0000\""), TEXT("\0")},
		{TEXT("\"a\\u0000b\\u0000\""), TEXT("a\0b\0")},
		{TEXT("\"\\u007f\\u0080\\u07ff\\u0800\""),
			TEXT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80")},
		{TEXT("\"\\ud7ff\\ue000\\uFFFF\""), TEXT("\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf")},
		{TEXT("\"\\uAbCd\\u00e9\""), TEXT("\xea\xaf\x8d\xc3\xa9")},
	};
	expect_each(pairs, COUNT(pairs));
}

static void
surrogates(void)
{
	static const struct pair pairs[] = {
		{TEXT("\"\\ud800\\udc00\""), TEXT("\xf0\x90\x80\x80")},
		{TEXT("\"\\uD83D\\uDE00!\""), TEXT("\xf0\x9f\x98\x80!")},
		{TEXT("\"\\udbff\\udfff\""), TEXT("\xf4\x8f\xbf\xbf")},
		/* a high one alone: at the end, before text, before escapes */
		{TEXT("\"\\ud800\""), TEXT(FFFD)},
		{TEXT("\"a\\udbffb\""), TEXT("a" FFFD "b")},
		{TEXT("\"\\ud800\\n\""), TEXT(FFFD "\n")},
		{TEXT("\"\\ud800\\\"\""), TEXT(FFFD "\"")},
		{TEXT("\"\\ud800\\\\\""), TEXT(FFFD "\\")},
		{TEXT("\"\\ud800\\\\udc00\""), TEXT(FFFD "\\udc00")},
		{TEXT("\"\\ud800\\u0041\""), TEXT(FFFD "A")},
		{TEXT("\"\\ud800\\u00e9\""), TEXT(FFFD "\xc3\xa9")},
		{TEXT("\"\\ud800\\ue000\""), TEXT(FFFD "\xee\x80\x80")},
		{TEXT("\"\\ud800\\u0000\""), TEXT(FFFD "\0")},
		{TEXT("\"\\ud800\xc3\xbc\""), TEXT(FFFD "\xc3\xbc")},
		/* several */
		{TEXT("\"\\ud800\\ud800\""), TEXT(FFFD FFFD)},
		{TEXT("\"\\ud800\\ud800x\""), TEXT(FFFD FFFD "x")},
		{TEXT("\"\\ud800\\ud800\\udc00\""), TEXT(FFFD "\xf0\x90\x80\x80")},
		{TEXT("\"\\ud800\\udc00\\udc00\""), TEXT("\xf0\x90\x80\x80" FFFD)},
		{TEXT("\"\\udc00\\ud800\""), TEXT(FFFD FFFD)},
		/* a low one alone */
		{TEXT("\"\\udc00\""), TEXT(FFFD)},
		{TEXT("\"x\\udfffy\""), TEXT("x" FFFD "y")},
	};
	expect_each(pairs, COUNT(pairs));
}

/* Places are independent, and a place is replaced by its next value. */
static void
places(void)
{
	struct decoder decoder = {.tokener = NULL};
	struct slice level, message;
	struct slice first = TEXT("\"a\\n\""), second = TEXT("\"b\\t\""), third = TEXT("\"c\\r\"");
	first = (struct slice){first.data + 1, first.len - 2};
	second = (struct slice){second.data + 1, second.len - 2};
	third = (struct slice){third.data + 1, third.len - 2};
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_LEVEL, first, &level), 0);
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_MESSAGE, second, &message), 0);
	CU_ASSERT(slice_equal(level, slice_of("a\n")));
	CU_ASSERT(slice_equal(message, slice_of("b\t")));
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_LEVEL, third, &level), 0);
	CU_ASSERT(slice_equal(level, slice_of("c\r")));
	CU_ASSERT(slice_equal(message, slice_of("b\t")));
	decoder_fini(&decoder);
	CU_ASSERT_PTR_NULL(decoder.tokener);
	/* and it can be used again */
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_LEVEL, first, &level), 0);
	CU_ASSERT(slice_equal(level, slice_of("a\n")));
	decoder_fini(&decoder);
	decoder_fini(&decoder);
}

/* Each unit of the text: an escape, a NUL, a pair, a lone surrogate and some plain bytes. */
static void
megabytes(void)
{
	static const char unit[] = "\\t\\u0000\\ud83d\\ude00\\ud800 plain";
	static const char decoded[] = "\t\0\xf0\x9f\x98\x80" FFFD " plain";
	enum { UNITS = 100000, UNIT = sizeof unit - 1, DECODED = sizeof decoded - 1 };
	struct decoder decoder = {.tokener = NULL};
	char *text = malloc(UNITS * UNIT + 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	text[0] = text[UNITS * UNIT + 1] = '"';
	for (size_t i = 0; i < UNITS; i++)
		memcpy(text + 1 + i * UNIT, unit, UNIT);
	struct slice out = {NULL, 0};
	struct slice inside = {text + 1, UNITS * UNIT};
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_MESSAGE, inside, &out), 0);
	CU_ASSERT_EQUAL_FATAL(out.len, UNITS * DECODED);
	for (size_t i = 0; i < UNITS; i++)
		CU_ASSERT_EQUAL_FATAL(memcmp(out.data + i * DECODED, decoded, DECODED), 0);
	decoder_fini(&decoder);
	free(text);
}

/* Pairs of all planes, of which json-c takes some for surrogates without company. */
static void
every_plane(void)
{
	struct decoder decoder = {.tokener = NULL};
	for (unsigned c = 0x10000; c < 0x110000; c += 0x155) {
		char text[16], utf8[] = {(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
				       (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))};
		snprintf(text, sizeof text, "\"\\u%04x\\u%04X\"", 0xd800 + ((c - 0x10000) >> 10),
			0xdc00 + (c & 0x3ff));
		for (enum decode_place place = 0; place < DECODE_PLACES; place++) {
			struct slice out;
			CU_ASSERT_EQUAL_FATAL(
				decode_string(&decoder, place, (struct slice){text + 1, 12}, &out),
				0);
			CU_ASSERT_FATAL(slice_equal(out, (struct slice){utf8, sizeof utf8}));
		}
	}
	decoder_fini(&decoder);
}

/* Strings at random: a message, which is decoded here, against a level, which json-c decodes. */
static void
as_json_c_does(void)
{
	static const char *const pieces[] = {"a", "plain text", "\\n", "\\\"", "\\\\", "\\/", "\\b",
		"\\u0000", "\\u0041", "\\u007F", "\\u0080", "\\u07ff", "\\u0800", "\\uffFF",
		"\\uD800", "\\udbff", "\\uDC00", "\\udfff", "\\ud83d\\ude00", "\xc3\xbc",
		"\xe4\xbd\xa0", "\xf0\x9f\x98\x80", "\x7f"};
	struct decoder decoder = {.tokener = NULL};
	uint64_t state = 1;
	for (int i = 0; i < 20000; i++) {
		char text[512] = "\"";
		size_t len = 1;
		for (uint64_t left = (state >> 33) % 24; left > 0; left--) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			const char *piece = pieces[(state >> 33) % COUNT(pieces)];
			len += (size_t)snprintf(text + len, sizeof text - len, "%s", piece);
		}
		text[len++] = '"';
		struct slice copy = exact_copy((struct slice){text, len}), level, message;
		struct slice inside = {copy.data + 1, copy.len - 2};
		CU_ASSERT_EQUAL_FATAL(decode_string(&decoder, DECODE_LEVEL, inside, &level), 0);
		CU_ASSERT_EQUAL_FATAL(decode_string(&decoder, DECODE_MESSAGE, inside, &message), 0);
		if (!slice_equal(level, message))
			printf("# %.*s\n", (int)len, text);
		CU_ASSERT_FATAL(slice_equal(level, message));
		exact_free(copy);
		state += 0x9e3779b97f4a7c15;
	}
	decoder_fini(&decoder);
}

/* Longer than json-c can count: refused before a byte of it is read. */
static void
beyond_int(void)
{
	struct decoder decoder = {.tokener = NULL};
	static const char text[] = "\"\"";
	struct slice out;
	errno = 0;
	CU_ASSERT_EQUAL(decode_string(&decoder, DECODE_MESSAGE,
				(struct slice){text + 1, (size_t)INT_MAX - 1}, &out),
		-1);
	CU_ASSERT_EQUAL(errno, ENOMEM);
	decoder_fini(&decoder);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"texts without escapes", plain},
		{"every escape, NUL kept", escapes},
		{"surrogates in pairs and alone", surrogates},
		{"a value for each place", places},
		{"megabytes", megabytes},
		{"pairs of every plane", every_plane},
		{"as json-c does it", as_json_c_does},
		{"more than an int counts", beyond_int},
		{NULL, NULL},
	};
	return tap_main("decode", cases);
}
