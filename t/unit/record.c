/* SPDX-License-Identifier: ISC */
/* Lines judged: every verdict that a line itself can earn, and what is kept of it. */
#include "core/record.h"

#include "unit/exact.h"
#include "unit/tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct policy usual = {
	.min_level = LEVEL_INFO,
	.unknown_level = UNKNOWN_LEVEL_FILTER,
	.log_format = LOG_FORMAT_TEXT,
	.persist = 1,
	.max_line_bytes = 1 << 20,
};

static enum verdict
judge(const char *text, const struct policy *policy)
{
	struct decoder decoder = {.tokener = NULL};
	struct record record;
	struct slice line = exact_copy(slice_of(text));
	enum verdict verdict = record_judge(line, policy, &decoder, &record);
	exact_free(line);
	decoder_fini(&decoder);
	return verdict;
}

/* Judges a line that must pass and compares what is kept of it. */
static void
expect_record(const char *text, const struct policy *policy, enum level level,
	const char *level_text, struct slice message)
{
	struct decoder decoder = {.tokener = NULL};
	struct record record;
	struct slice line = exact_copy(slice_of(text));
	CU_ASSERT_EQUAL_FATAL(record_judge(line, policy, &decoder, &record), VERDICT_RECEIVED);
	CU_ASSERT(slice_equal(record.line, line));
	CU_ASSERT_EQUAL(record.level, level);
	CU_ASSERT(slice_equal(record.level_text, slice_of(level_text)));
	bool equal = slice_equal(record.message, message);
	if (!equal)
		printf("# %s: %.*s\n", text, (int)record.message.len, record.message.data);
	CU_ASSERT(equal);
	decoder_fini(&decoder);
	exact_free(line);
}

static void
verdicts(void)
{
	static const struct {
		const char *text;
		enum verdict verdict;
	} lines[] = {
		{"{\"level\":\"INFO\",\"message\":\"a\"}", VERDICT_RECEIVED},
		{"{\"level\":\"DEBUG\",\"message\":\"a\"}", VERDICT_FILTERED},
		{"{\"level\":\"LOUD\",\"message\":\"a\"}", VERDICT_FILTERED},
		{"{\"level\":5,\"message\":\"a\"}", VERDICT_FILTERED},
		{"{\"level\":\"INFO\",\"message\":\"a\"", VERDICT_INVALID},
		{"{'level':'INFO','message':'a'}", VERDICT_INVALID},
		{"hello", VERDICT_INVALID},
		{"{\"level\":\"INFO\",\"message\":NaN}", VERDICT_INVALID},
		{"{\"level\":\"INFO\",\"message\":\"\xc0\xaf\"}", VERDICT_INVALID},
		{"[]", VERDICT_NOT_OBJECT},
		{"\"level\"", VERDICT_NOT_OBJECT},
		{"5", VERDICT_NOT_OBJECT},
		{"null", VERDICT_NOT_OBJECT},
		{"[{\"level\":\"INFO\",\"message\":\"a\"}]", VERDICT_NOT_OBJECT},
		{"[", VERDICT_INVALID},
		{"{}", VERDICT_MISSING},
		{"{\"level\":\"INFO\"}", VERDICT_MISSING},
		{"{\"message\":\"a\"}", VERDICT_MISSING},
		{"{\"Level\":\"INFO\",\"message\":\"a\"}", VERDICT_MISSING},
		{"{\"a\":{\"level\":\"INFO\",\"message\":\"a\"}}", VERDICT_MISSING},
		/* the level is looked at last */
		{"{\"level\":\"DEBUG\"}", VERDICT_MISSING},
		{"{\"level\":\"DEBUG\",\"message\":}", VERDICT_INVALID},
	};
	for (size_t i = 0; i < COUNT(lines); i++) {
		enum verdict verdict = judge(lines[i].text, &usual);
		if (verdict != lines[i].verdict)
			printf("# %s: %s\n", lines[i].text, verdict_name(verdict));
		CU_ASSERT_EQUAL(verdict, lines[i].verdict);
	}
}

/* Every level against every MinLogLevel. */
static void
level_matrix(void)
{
	for (int least = LEVEL_DEBUG; least <= LEVEL_CRITICAL; least++) {
		struct policy policy = usual;
		policy.min_level = least;
		for (int level = LEVEL_DEBUG; level <= LEVEL_CRITICAL; level++) {
			char text[64];
			snprintf(text, sizeof text, "{\"level\":\"%s\",\"message\":\"a\"}",
				level_name((enum level)level).data);
			CU_ASSERT_EQUAL(judge(text, &policy),
				level >= least ? VERDICT_RECEIVED : VERDICT_FILTERED);
		}
	}
}

static void
unknown_levels(void)
{
	static const char *const lines[] = {
		"{\"level\":\"LOUD\",\"message\":\"a\"}",
		"{\"level\":\"\",\"message\":\"a\"}",
		"{\"level\":null,\"message\":\"a\"}",
		"{\"level\":{\"level\":\"INFO\"},\"message\":\"a\"}",
		"{\"level\":\"INFO\\u0000\",\"message\":\"a\"}",
	};
	static const enum verdict expected[] = {
		[UNKNOWN_LEVEL_FILTER] = VERDICT_FILTERED,
		[UNKNOWN_LEVEL_ACCEPT] = VERDICT_RECEIVED,
		[UNKNOWN_LEVEL_REJECT] = VERDICT_UNKNOWN_LEVEL,
	};
	struct policy policy = usual;
	for (int how = UNKNOWN_LEVEL_FILTER; how <= UNKNOWN_LEVEL_REJECT; how++) {
		policy.unknown_level = how;
		for (int least = LEVEL_DEBUG; least <= LEVEL_CRITICAL; least++) {
			policy.min_level = least;
			for (size_t i = 0; i < COUNT(lines); i++)
				CU_ASSERT_EQUAL(judge(lines[i], &policy), expected[how]);
		}
		/* A known one is none of its business. */
		policy.min_level = LEVEL_ERROR;
		CU_ASSERT_EQUAL(
			judge("{\"level\":\"INFO\",\"message\":\"a\"}", &policy), VERDICT_FILTERED);
	}
}

static void
levels_as_sent(void)
{
	static const struct slice a = SLICE("a");
	expect_record("{\"level\":\"INFO\",\"message\":\"a\"}", &usual, LEVEL_INFO, "INFO", a);
	expect_record(
		"{\"level\":\" eRr\\t\",\"message\":\"a\"}", &usual, LEVEL_ERROR, " eRr\t", a);
	expect_record(
		"{\"level\":\"\\u0045RROR\",\"message\":\"a\"}", &usual, LEVEL_ERROR, "ERROR", a);
	expect_record("{\"\\u006cevel\":\"FATAL\",\"messag\\u0065\":\"a\"}", &usual, LEVEL_CRITICAL,
		"FATAL", a);
	struct policy accept = usual;
	accept.unknown_level = UNKNOWN_LEVEL_ACCEPT;
	expect_record(
		"{\"level\":\"lo\\u0075d\",\"message\":\"a\"}", &accept, LEVEL_UNKNOWN, "loud", a);
	expect_record("{\"level\": [5] ,\"message\":\"a\"}", &accept, LEVEL_UNKNOWN, "[5]", a);
	expect_record("{\"level\":true,\"message\":\"a\"}", &accept, LEVEL_UNKNOWN, "true", a);
}

static void
messages(void)
{
	static const struct {
		const char *json;
		struct slice text;
	} values[] = {
		{"\"disk full\"", SLICE("disk full")},
		{"\"\"", SLICE("")},
		{"\"a\\n\\\"b\\\"\\\\\"", SLICE("a\n\"b\"\\")},
		{"\"\\u0000\"", SLICE("\0")},
		{"\"\\ud83d\\ude00\\ud800\"", SLICE("\xf0\x9f\x98\x80\xef\xbf\xbd")},
		{"5", SLICE("5")},
		{"-1.50e+3", SLICE("-1.50e+3")},
		{"true", SLICE("true")},
		{"null", SLICE("null")},
		{"{\"a\": \"\\n\"}", SLICE("{\"a\": \"\\n\"}")},
		{"[ ]", SLICE("[ ]")},
		{"1,\"message\":\"last\"", SLICE("last")},
	};
	for (size_t i = 0; i < COUNT(values); i++) {
		char text[128];
		snprintf(text, sizeof text, "{\"level\":\"INFO\",\"message\":%s}", values[i].json);
		expect_record(text, &usual, LEVEL_INFO, "INFO", values[i].text);
	}
}

/* Only the text format writes a decoded message; a decoder that stays empty shows that none was
 * made. */
static void
nothing_in_vain(void)
{
	static const struct {
		int32_t log_format, persist, min_level;
		bool decodes;
	} ways[] = {
		{LOG_FORMAT_TEXT, 1, LEVEL_INFO, true},
		{LOG_FORMAT_TEXT, 0, LEVEL_INFO, false},
		{LOG_FORMAT_TEXT, 1, LEVEL_ERROR, false},
		{LOG_FORMAT_JSON, 1, LEVEL_INFO, false},
		{LOG_FORMAT_RAW, 1, LEVEL_INFO, false},
	};
	struct slice line = SLICE("{\"level\":\"INFO\",\"message\":\"a\\nb\"}");
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct policy policy = usual;
		struct decoder decoder = {.tokener = NULL};
		struct record record;
		policy.log_format = ways[i].log_format;
		policy.persist = ways[i].persist;
		policy.min_level = ways[i].min_level;
		CU_ASSERT_EQUAL(record_judge(line, &policy, &decoder, &record),
			ways[i].min_level == LEVEL_INFO ? VERDICT_RECEIVED : VERDICT_FILTERED);
		CU_ASSERT_EQUAL(decoder.values[DECODE_MESSAGE] != NULL, ways[i].decodes);
		CU_ASSERT_PTR_NULL(decoder.values[DECODE_LEVEL]);
		decoder_fini(&decoder);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"verdicts and their order", verdicts},
		{"every level against every MinLogLevel", level_matrix},
		{"UnknownLevel filter, accept, reject", unknown_levels},
		{"levels as they were sent", levels_as_sent},
		{"messages, strings and not", messages},
		{"nothing is decoded in vain", nothing_in_vain},
		{NULL, NULL},
	};
	return tap_main("record", cases);
}
