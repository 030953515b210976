/* SPDX-License-Identifier: ISC */
/*
 * What the scanner has seen of a message spares the formatter looking at it again: both ways must write
 * the same, for every character at every place.
 */
#include "core/format.h"
#include "core/record.h"
#include "unit/exact.h"
#include "unit/tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { PLACES = 40 };

static const struct policy policy = {
	.min_level = LEVEL_DEBUG, .log_format = LOG_FORMAT_TEXT, .persist = 1};
static const struct format_context context = {
	.stamp = "2026-01-31T12:00:00.123456Z", .client = SLICE("192.0.2.7")};

static struct record
judge(struct slice line, struct decoder *decoder)
{
	struct record record;
	CU_ASSERT_EQUAL_FATAL(record_judge(line, &policy, decoder, &record), VERDICT_RECEIVED);
	return record;
}

/* Judges a message, given as JSON, and compares what is written of it. */
static void
expect_same(const char *json, bool harmless)
{
	struct decoder decoder = {.tokener = NULL};
	struct buf line = {.data = NULL}, out = {.data = NULL}, slow = {.data = NULL};
	CU_ASSERT_EQUAL_FATAL(buf_printf(&line, "{\"level\":\"INFO\",\"message\":%s}", json), 0);
	struct slice copy = exact_copy(buf_slice(&line));
	struct record record = judge(copy, &decoder);
	CU_ASSERT_EQUAL(record.harmless, harmless);
	CU_ASSERT_EQUAL(format_record(&out, &context, &record), 0);
	record.harmless = false;
	CU_ASSERT_EQUAL(format_record(&slow, &context, &record), 0);
	bool same = slice_equal(buf_slice(&out), buf_slice(&slow));
	if (!same)
		printf("# %s: %.*s", json, (int)out.len, out.data);
	CU_ASSERT(same);
	exact_free(copy);
	decoder_fini(&decoder);
	buf_fini(&line);
	buf_fini(&out);
	buf_fini(&slow);
}

/* The character in the middle of others, which are ASCII or not. */
static void
expect_at_every_place(const char *character, bool harmless)
{
	static const char plain[] = "0123456789012345678901234567890123456789";
	for (int place = 0; place <= PLACES; place++) {
		char json[128];
		snprintf(json, sizeof json, "\"%.*s%s%s\"", place, plain, character, plain + place);
		expect_same(json, harmless);
		snprintf(json, sizeof json, "\"\xc3\xbc%.*s%s%s\"", place, plain, character,
			plain + place);
		expect_same(json, harmless);
	}
}

static void
controls(void)
{
	expect_at_every_place("\x7f", false);
	for (int c = 0x80; c <= 0x9f; c++)
		expect_at_every_place((char[]){'\xc2', (char)c, '\0'}, false);
}

static void
harmless(void)
{
	static const char *const characters[] = {"", " ", "~", "'", "\xc2\xa0", "\xc2\xbf",
		"\xc3\x80", "\xc3\x9f", "\xdf\xbf", "\xe0\xa0\x80", "\xe2\x80\xa8", "\xed\x9f\xbf",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	for (size_t i = 0; i < COUNT(characters); i++)
		expect_at_every_place(characters[i], true);
}

/* What has to be decoded may become a control character, and is looked at. */
static void
escaped(void)
{
	static const char *const characters[] = {"\\n", "\\\"", "\\\\", "\\u0000", "\\u001b",
		"\\u007f", "\\u0080", "\\u009b", "\\u00a0", "\\ud83d\\ude00"};
	for (size_t i = 0; i < COUNT(characters); i++)
		expect_at_every_place(characters[i], false);
}

/* JSON text may hold white space that is a control character. */
static void
no_strings(void)
{
	static const char *const values[] = {
		"5", "true", "null", "[]", "[\"a\"]", "[1,\t2]", "{\"a\":\"\x7f\"}"};
	for (size_t i = 0; i < COUNT(values); i++)
		expect_same(values[i], false);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"control characters at every place", controls},
		{"characters that stay at every place", harmless},
		{"escapes at every place", escaped},
		{"values that are no strings", no_strings},
		{NULL, NULL},
	};
	return tap_main("harmless", cases);
}
