/* SPDX-License-Identifier: ISC */
/* Text wrapped as JSON: escapes, and UTF-8 made of anything. */
#include "send/request.h"

#include <errno.h>

#include "unit/tap.h"

static bool
wraps(struct slice text, const char *expected)
{
	struct buf out = {0};
	struct slice level = SLICE("INFO");
	char line[512];
	snprintf(line, sizeof line, "{\"level\":\"INFO\",\"message\":\"%s\"}", expected);
	bool same = request_wrap(&out, level, text) == 0 &&
	            slice_equal(buf_slice(&out), slice_of(line));
	if (!same)
		printf("# got %s\n", buf_string(&out));
	buf_fini(&out);
	return same;
}

#define WRAPS(text, expected) CU_ASSERT_TRUE(wraps((struct slice)SLICE(text), expected))

static void
plain(void)
{
	WRAPS("", "");
	WRAPS("disk full", "disk full");
	WRAPS("/var/log", "/var/log");
	WRAPS("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80",
		"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
}

static void
escapes(void)
{
	WRAPS("say \"hi\" \\ ", "say \\\"hi\\\" \\\\ ");
	WRAPS("a\nb\tc\x01", "a\\nb\\tc\\u0001");
	WRAPS("nul\0end", "nul\\u0000end");
}

#define R "\xEF\xBF\xBD"

static void
ill_formed(void)
{
	WRAPS("\x80", R);
	WRAPS("a\xFFz", "a" R "z");
	WRAPS("\xC3", R);          /* cut short */
	WRAPS("\xE2\x82", R);      /* one stretch, */
	WRAPS("\xE2\x82z", R "z"); /* what follows survives */
	WRAPS("\xF0\x9F\x98", R);
	WRAPS("\xC0\xAF", R R); /* overlong */
	WRAPS("\xE0\x9F\xBF", R R R);
	WRAPS("\xED\xA0\x80", R R R);       /* surrogate */
	WRAPS("\xF4\x90\x80\x80", R R R R); /* beyond U+10FFFF */
	WRAPS("\xF5\x80", R R);
	WRAPS("\xC3\xC3\xBC", R "\xC3\xBC");
}

static void
edges(void)
{
	WRAPS("\xC2\x80", "\xC2\x80");
	WRAPS("\xE0\xA0\x80", "\xE0\xA0\x80");
	WRAPS("\xED\x9F\xBF", "\xED\x9F\xBF");
	WRAPS("\xEE\x80\x80", "\xEE\x80\x80");
	WRAPS("\xF0\x90\x80\x80", "\xF0\x90\x80\x80");
	WRAPS("\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF");
}

static void
level_too(void)
{
	struct buf out = {0};
	static const struct slice expected = SLICE("{\"level\":\"\\\"" R "\",\"message\":\"m\"}");
	CU_ASSERT_EQUAL(
		request_wrap(&out, (struct slice)SLICE("\"\xFE"), (struct slice)SLICE("m")), 0);
	CU_ASSERT_TRUE(slice_equal(buf_slice(&out), expected));
	buf_fini(&out);
}

static void
too_much(void)
{
	struct buf out = {0};
	struct slice level = SLICE("INFO");
	/* Refused by its length alone: the bytes are never looked at. */
	struct slice text = {"", REQUEST_TEXT_MAX - 3};
	CU_ASSERT_EQUAL(request_wrap(&out, level, text), -1);
	CU_ASSERT_EQUAL(errno, EFBIG);
	CU_ASSERT_EQUAL(out.len, 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"plain text and valid UTF-8 go through", plain},
		{"JSON's special characters are escaped", escapes},
		{"each ill-formed stretch becomes one U+FFFD", ill_formed},
		{"the edges of every range are valid", edges},
		{"the level is repaired and escaped too", level_too},
		{"text that json-c could not print is refused", too_much},
		{NULL, NULL},
	};
	return tap_main("request", cases);
}
