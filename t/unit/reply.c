/* SPDX-License-Identifier: ISC */
/* The answers byte for byte, as the contract's table has them. */
#include "core/reply.h"

#include "unit/tap.h"

static const struct {
	enum verdict verdict;
	const char *name, *line;
} expected[] = {
	{VERDICT_RECEIVED, "received", "{\"status\": \"ok\", \"message\": \"received\"}\n"},
	{VERDICT_FILTERED, "filtered", "{\"status\": \"ok\", \"message\": \"filtered\"}\n"},
	{VERDICT_INVALID, "invalid", "{\"status\": \"error\", \"message\": \"invalid JSON\"}\n"},
	{VERDICT_NOT_OBJECT, "not_object",
		"{\"status\": \"error\", \"message\": \"expected JSON object\"}\n"},
	{VERDICT_MISSING, "missing",
		"{\"status\": \"error\", \"message\": \"missing required fields: level, "
		"message\"}\n"},
	{VERDICT_LIMITED, "limited",
		"{\"status\": \"error\", \"message\": \"rate limit exceeded\"}\n"},
	{VERDICT_TOO_LONG, "too_long", "{\"status\": \"error\", \"message\": \"line too long\"}\n"},
	{VERDICT_UNKNOWN_LEVEL, "unknown_level",
		"{\"status\": \"error\", \"message\": \"unknown level\"}\n"},
	{VERDICT_FAILED, "failed", "{\"status\": \"error\", \"message\": \"storage failure\"}\n"},
};

static void
lines(void)
{
	CU_ASSERT_EQUAL(sizeof expected / sizeof expected[0], VERDICTS);
	for (size_t i = 0; i < VERDICTS; i++)
		CU_ASSERT(slice_equal(reply_line(expected[i].verdict), slice_of(expected[i].line)));
}

static void
names(void)
{
	for (size_t i = 0; i < VERDICTS; i++)
		CU_ASSERT_STRING_EQUAL(verdict_name(expected[i].verdict), expected[i].name);
}

static void
refusals(void)
{
	CU_ASSERT(slice_equal(
		reply_busy(), slice_of("{\"status\": \"error\", \"message\": \"server busy\"}\n")));
	CU_ASSERT(slice_equal(reply_denied(),
		slice_of("{\"status\": \"error\", \"message\": \"access denied\"}\n")));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a line for every verdict", lines},
		{"a name for every verdict", names},
		{"what a refused client is told", refusals},
		{NULL, NULL},
	};
	return tap_main("reply", cases);
}
