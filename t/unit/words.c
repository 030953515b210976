/* SPDX-License-Identifier: ISC */
/* Numbers and times for people. */
#include "figures/words.h"

#include <stdbool.h>
#include <stdlib.h>

#include "unit/tap.h"

static void
rates(void)
{
	static const struct {
		double rate;
		const char *text;
	} cases[] = {{0, "0"}, {0.25, "0.2"}, {9.94, "9.9"}, {9.96, "10"}, {1234.4, "1234"},
		{9999.4, "9999"}, {9999.6, "10.0k"}, {123456, "123k"}, {999600, "1.0M"},
		{4500000, "4.5M"}, {7e9, "7.0G"}, {1e12, "1.0T"}};
	char text[WORDS_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_STRING_EQUAL(words_rate(cases[i].rate, text), cases[i].text);
}

static void
times(void)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {{-1, "-"}, {0, "0 us"}, {999, "999 us"}, {1234, "1.23 ms"}, {12345, "12.3 ms"},
		{2500000, "2.5 s"}};
	char text[WORDS_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_STRING_EQUAL(words_time(cases[i].us, text), cases[i].text);
}

static void
spans(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{-5, "0s"}, {999, "0s"}, {59999, "59s"}, {60000, "1m 0s"},
		{3599000, "59m 59s"}, {3600000, "1h 0m"}, {86399000, "23h 59m"},
		{90000000, "1d 1h"}};
	char text[WORDS_MAX];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_STRING_EQUAL(words_span(cases[i].ms, text), cases[i].text);
}

static bool
prints(const char *lines, const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	words_print_lines(out, "> ", lines);
	fclose(out);
	bool same = strcmp(text, expected) == 0;
	free(text);
	return same;
}

static void
printed(void)
{
	CU_ASSERT(prints("", ""));
	CU_ASSERT(prints("a\nb\n", "> a\n> b\n"));
	CU_ASSERT(prints("a", "> a\n"));
	CU_ASSERT(prints("a\033[2J\n", "> a?[2J\n"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"rates", rates},
		{"times", times},
		{"spans", spans},
		{"lines of text", printed},
		{NULL, NULL},
	};
	return tap_main("words", cases);
}
