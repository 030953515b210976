/* SPDX-License-Identifier: ISC */
/* When trouble is worth a line. */
#include "store/trouble.h"

#include "unit/tap.h"

static void
begin_repeat_end(void)
{
	struct trouble trouble = {0};
	CU_ASSERT_FALSE(trouble_over(&trouble, 1000));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1000));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1001));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS - 1));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS + 1));
	CU_ASSERT_TRUE(trouble_over(&trouble, 1000 + TROUBLE_REPEAT_MS + 2));
	CU_ASSERT_FALSE(trouble_over(&trouble, 1000 + TROUBLE_REPEAT_MS + 3));
}

static void
new_trouble_is_told(void)
{
	struct trouble trouble = {0};
	CU_ASSERT_TRUE(trouble_failed(&trouble, 0));
	CU_ASSERT_TRUE(trouble_over(&trouble, 1));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 2));
}

static void
flapping_is_bounded(void)
{
	struct trouble trouble = {0};
	int lines = 0;
	int64_t now_ms = 0;
	for (; now_ms < 10 * TROUBLE_REPEAT_MS; now_ms += 10) {
		lines += trouble_failed(&trouble, now_ms);
		lines += trouble_over(&trouble, now_ms + 5);
	}
	CU_ASSERT_TRUE(lines > 10);
	CU_ASSERT_TRUE(lines <= 10 * TROUBLE_LINES_MAX);
}

static void
the_end_is_told_later(void)
{
	struct trouble trouble = {0};
	for (int i = 0; i < TROUBLE_LINES_MAX - 1; i++)
		CU_ASSERT_TRUE(
			i % 2 == 0 ? trouble_failed(&trouble, i) : trouble_over(&trouble, i));
	CU_ASSERT_TRUE(trouble_over(&trouble, 10));
	struct trouble before = trouble;
	CU_ASSERT_FALSE(trouble_failed(&trouble, 11));
	CU_ASSERT_EQUAL(before.told, trouble.told);
	trouble.told = true;
	CU_ASSERT_FALSE(trouble_over(&trouble, 12));
	CU_ASSERT_TRUE(trouble_over(&trouble, TROUBLE_REPEAT_MS));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"told at the beginning, once a minute, at the end", begin_repeat_end},
		{"trouble that comes back is told", new_trouble_is_told},
		{"trouble that comes and goes is told a few times", flapping_is_bounded},
		{"an end that was not told is told when it may be", the_end_is_told_later},
		{NULL, NULL},
	};
	return tap_main("trouble", cases);
}
