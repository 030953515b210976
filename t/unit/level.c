/* SPDX-License-Identifier: ISC */
/* The level matrix: every name and alias, in every case, with white space around it. */
#include "core/level.h"

#include <ctype.h>

#include "unit/exact.h"
#include "unit/tap.h"

static const struct {
	const char *name;
	enum level level;
} names[] = {
	{"DEBUG", LEVEL_DEBUG},
	{"TRACE", LEVEL_DEBUG},
	{"VERBOSE", LEVEL_DEBUG},
	{"INFO", LEVEL_INFO},
	{"INFORMATION", LEVEL_INFO},
	{"NOTICE", LEVEL_INFO},
	{"WARNING", LEVEL_WARNING},
	{"WARN", LEVEL_WARNING},
	{"ERROR", LEVEL_ERROR},
	{"ERR", LEVEL_ERROR},
	{"CRITICAL", LEVEL_CRITICAL},
	{"FATAL", LEVEL_CRITICAL},
	{"CRIT", LEVEL_CRITICAL},
	{"ALERT", LEVEL_CRITICAL},
	{"EMERG", LEVEL_CRITICAL},
	{"EMERGENCY", LEVEL_CRITICAL},
	{"PANIC", LEVEL_CRITICAL},
};

enum { NAMES = sizeof names / sizeof names[0] };

static enum level
parse(const char *text, size_t len)
{
	struct slice copy = exact_copy((struct slice){text, len});
	enum level level = level_parse(copy);
	exact_free(copy);
	return level;
}

static enum level
parse_string(const char *text)
{
	return parse(text, strlen(text));
}

static void
as_written(void)
{
	for (size_t i = 0; i < NAMES; i++)
		CU_ASSERT_EQUAL(parse_string(names[i].name), names[i].level);
}

static void
any_case(void)
{
	for (size_t i = 0; i < NAMES; i++) {
		char lower[16] = "", mixed[16] = "";
		for (size_t j = 0; names[i].name[j] != '\0'; j++) {
			lower[j] = (char)tolower(names[i].name[j]);
			mixed[j] = j % 2 == 0 ? names[i].name[j] : lower[j];
		}
		CU_ASSERT_EQUAL(parse_string(lower), names[i].level);
		CU_ASSERT_EQUAL(parse_string(mixed), names[i].level);
	}
}

static void
white_space(void)
{
	for (size_t i = 0; i < NAMES; i++) {
		char padded[32];
		snprintf(padded, sizeof padded, " \t\n\v\f\r%s\r \n", names[i].name);
		CU_ASSERT_EQUAL(parse_string(padded), names[i].level);
	}
}

static void
a_byte_more_or_less(void)
{
	for (size_t i = 0; i < NAMES; i++) {
		char longer[32];
		snprintf(longer, sizeof longer, "%sX", names[i].name);
		CU_ASSERT_EQUAL(parse_string(longer), LEVEL_UNKNOWN);
		snprintf(longer, sizeof longer, "X%s", names[i].name);
		CU_ASSERT_EQUAL(parse_string(longer), LEVEL_UNKNOWN);
		CU_ASSERT_EQUAL(parse(names[i].name, strlen(names[i].name) + 1), LEVEL_UNKNOWN);
	}
}

static void
unknown(void)
{
	static const char *const texts[] = {"", " ", "LOUD", "INF O", "UNKNOWN", "5", "null",
		"true", "{}", "INFO,", "WAR\xc4\xb0NG", "\xc2\xa0INFO", "DEBU", "WARNIN",
		"CRITICA"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		CU_ASSERT_EQUAL(parse_string(texts[i]), LEVEL_UNKNOWN);
	CU_ASSERT_EQUAL(level_parse((struct slice){NULL, 0}), LEVEL_UNKNOWN);
	CU_ASSERT_EQUAL(parse("WAR\0ING", 7), LEVEL_UNKNOWN);
}

static void
order(void)
{
	CU_ASSERT(LEVEL_DEBUG < LEVEL_INFO);
	CU_ASSERT(LEVEL_INFO < LEVEL_WARNING);
	CU_ASSERT(LEVEL_WARNING < LEVEL_ERROR);
	CU_ASSERT(LEVEL_ERROR < LEVEL_CRITICAL);
}

static void
canonical_names(void)
{
	static const char *const expected[] = {
		"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		struct slice name = level_name((enum level)i);
		CU_ASSERT(slice_equal(name, slice_of(expected[i])));
		CU_ASSERT_EQUAL(level_parse(name), i);
	}
}

/* What each number from 0 on means, one letter each; all others mean nothing. */
static void
expect_numbers(enum level_numbers numbers, const char *letters)
{
	for (int i = 0; i < 1200; i++) {
		char text[8];
		snprintf(text, sizeof text, "%d", i);
		enum level level = level_read(slice_of(text), numbers);
		char expected = (size_t)i < strlen(letters) ? letters[i] : 'U';
		CU_ASSERT_EQUAL(level_name(level).data[0], expected);
		if (level_name(level).data[0] != expected)
			printf("# %d is %s\n", i, level_name(level).data);
	}
}

static void
numbers(void)
{
	expect_numbers(LEVEL_NUMBERS_NONE, "");
	expect_numbers(LEVEL_NUMBERS_SYSLOG, "CCCEWIID");
	expect_numbers(LEVEL_NUMBERS_PINO, "UUUUUUUUUU"
					   "DDDDDDDDDDDDDDDDDDDD"
					   "IIIIIIIIIIWWWWWWWWWWEEEEEEEEEEC");
}

static void
what_is_no_number(void)
{
	static const char *const texts[] = {"", "-1", "+3", "3.0", "30.0", "3e1", "1e1", "03",
		"030", "00", "3 0", "x", "0x3", "\xd9\xa3", "4294967299", "18446744073709551619"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CU_ASSERT_EQUAL(level_read(slice_of(texts[i]), LEVEL_NUMBERS_PINO), LEVEL_UNKNOWN);
		CU_ASSERT_EQUAL(
			level_read(slice_of(texts[i]), LEVEL_NUMBERS_SYSLOG), LEVEL_UNKNOWN);
	}
	CU_ASSERT_EQUAL(level_read(slice_of(" 30\t"), LEVEL_NUMBERS_PINO), LEVEL_INFO);
	CU_ASSERT_EQUAL(level_read(slice_of("warn"), LEVEL_NUMBERS_PINO), LEVEL_WARNING);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"names and aliases", as_written},
		{"in any case", any_case},
		{"with white space around", white_space},
		{"a byte too many is no level", a_byte_more_or_less},
		{"what is no level", unknown},
		{"the order of the levels", order},
		{"canonical names", canonical_names},
		{"numbers, where they are levels", numbers},
		{"numbers that are not plain", what_is_no_number},
		{NULL, NULL},
	};
	return tap_main("level", cases);
}
