/* SPDX-License-Identifier: ISC */
/* Mistakes are lines, one each, and are counted. */
#include "settings/mistake.h"

#include <errno.h>

#include "base/reason.h"
#include "unit/tap.h"

static void
lines(void)
{
	struct buf out = {0};
	struct mistakes mistakes = {.out = &out};
	mistake_add(&mistakes, "conf:1", "Listen", "is wrong");
	mistake_add(&mistakes, "conf", NULL, "cannot\nopen\x1b\x7f");
	CU_ASSERT_EQUAL(mistakes.count, 2);
	CU_ASSERT_STRING_EQUAL(buf_string(&out), "conf:1: Listen: is wrong\nconf: cannot?open??\n");
	buf_fini(&out);
}

static void
formats(void)
{
	struct buf scratch = {0};
	CU_ASSERT_STRING_EQUAL(reason_format(&scratch, "%s %d", "first", 1), "first 1");
	CU_ASSERT_STRING_EQUAL(reason_format(&scratch, "%0400d", 7) + 397, "007");
	CU_ASSERT_STRING_EQUAL(reason_format(&scratch, "x"), "x");
	buf_fini(&scratch);
}

static void
error_numbers(void)
{
	CU_ASSERT_STRING_EQUAL(mistake_errno(ENOENT), "No such file or directory");
	CU_ASSERT_STRING_EQUAL(mistake_errno(99999), "unknown error");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"one mistake is one line", lines},
		{"formatting replaces what was there", formats},
		{"error numbers in words", error_numbers},
		{NULL, NULL},
	};
	return tap_main("mistake", cases);
}
