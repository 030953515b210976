/* SPDX-License-Identifier: ISC */
/* The summary of verdicts. */
#include "send/tally.h"

#include "unit/tap.h"

static void
add(struct tally *tally, const char *line, int times)
{
	struct answer answer = answer_read(slice_of(line));
	while (times-- > 0)
		tally_add(tally, &answer);
}

static bool
prints(const struct tally *tally, uint64_t unanswered, const char *expected)
{
	struct buf out = {0};
	bool same = tally_print(tally, unanswered, &out) == 0 &&
	            slice_equal(buf_slice(&out), slice_of(expected));
	buf_fini(&out);
	return same;
}

static void
nothing(void)
{
	struct tally tally = {0};
	CU_ASSERT_TRUE(prints(&tally, 0, "0 records\n"));
	CU_ASSERT_TRUE(prints(&tally, 1, "1 record: 1 unanswered\n"));
}

static void
accepted(void)
{
	struct tally tally = {0};
	add(&tally, "{\"status\": \"ok\", \"message\": \"received\"}", 1);
	CU_ASSERT_TRUE(prints(&tally, 0, "1 record: 1 received\n"));
	add(&tally, "{\"status\": \"ok\", \"message\": \"filtered\"}", 1);
	add(&tally, "{\"status\": \"ok\", \"message\": \"received\"}", 3);
	CU_ASSERT_TRUE(prints(&tally, 0, "5 records: 4 received, 1 filtered\n"));
	CU_ASSERT_EQUAL(tally.answers, 5);
	CU_ASSERT_EQUAL(tally.accepted, 5);
}

static void
rejected(void)
{
	struct tally tally = {0};
	add(&tally, "{\"status\": \"error\", \"message\": \"rate limit exceeded\"}", 2);
	add(&tally, "{\"status\": \"ok\", \"message\": \"received\"}", 1);
	add(&tally, "{\"status\": \"error\", \"message\": \"line too long\"}", 1);
	add(&tally, "?", 1);
	CU_ASSERT_TRUE(prints(&tally, 3,
		"8 records: 1 received, 2 limited, 1 too_long, 1 other, 3 unanswered\n"));
	CU_ASSERT_EQUAL(tally.answers, 5);
	CU_ASSERT_EQUAL(tally.accepted, 1);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"nothing, and nothing answered", nothing},
		{"received and filtered are accepted", accepted},
		{"all else is rejected", rejected},
		{NULL, NULL},
	};
	return tap_main("tally", cases);
}
