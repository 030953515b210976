/* SPDX-License-Identifier: ISC */
/* Names that depend on the time, against the C library's calendar. */
#include "core/filename.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit/tap.h"

#define SECONDS_OF_10000_YEARS UINT64_C(253402300800)
#define ALL                                                                                        \
	"%a %A %b %B %C %d %e %F %G %h %j %m %u %U %V %w %W %Y %H %I %k %l %p %P %M %R %S "        \
	"%T "                                                                                      \
	"%%"

static void
as_the_c_library(void)
{
	for (int i = 0; i < 20000; i++) {
		/* The high half of the draw picks a century, so that early and late ones occur. */
		int64_t wall_s = (int64_t)(((uint64_t)arc4random() << 32 | arc4random()) %
					   SECONDS_OF_10000_YEARS);
		char ours[FILENAME_BYTES], theirs[FILENAME_BYTES];
		time_t t = wall_s;
		struct tm tm;
		gmtime_r(&t, &tm);
		strftime(theirs, sizeof theirs, ALL, &tm);
		filename_expand(ALL, wall_s, ours);
		if (strcmp(ours, theirs) != 0) {
			CU_FAIL("another name");
			printf("# %lld: %s, not %s\n", (long long)wall_s, ours, theirs);
			return;
		}
	}
}

static void
names(void)
{
	static const struct {
		const char *name;
		int64_t wall_s;
		const char *expected;
	} cases[] = {
		{"server.log", 0, "server.log"},
		{"server-%Y-%m-%d.log", 0, "server-1970-01-01.log"},
		{"server-%F.log", 951782400, "server-2000-02-29.log"},
		{"%F", 951868799, "2000-02-29"},
		{"%F", 951868800, "2000-03-01"},
		{"%%F%%", 0, "%F%"},
		{"%y-%g", 1609459200, "21-20"},
		{"%Y%j.%H", 86399, "1970001.23"},
		{"%F", -1, "1970-01-01"},
		{"%F", INT64_MAX, "9999-12-31"},
		{"%F", INT64_MIN, "1970-01-01"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char name[FILENAME_BYTES];
		filename_expand(cases[i].name, cases[i].wall_s, name);
		CU_ASSERT_STRING_EQUAL(name, cases[i].expected);
		CU_ASSERT_PTR_NULL(filename_check(cases[i].name));
	}
}

static void
spans(void)
{
	static const struct {
		const char *name;
		int64_t span_s;
	} cases[] = {{"a", 0}, {"%%", 0}, {"%%S", 0}, {"a%%%Y", 86400}, {"%Y%H", 3600},
		{"%H%Y", 3600}, {"%M%H", 60}, {"%R", 60}, {"%F%T", 1}, {"%S", 1}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_EQUAL(filename_span_s(cases[i].name), cases[i].span_s);
}

/* Within a span the name does not change; at its end each conversion of that span does. */
static void
a_span_holds(void)
{
	static const char letters[] = "adejuwHIklMRST";
	for (const char *letter = letters; *letter != '\0'; letter++) {
		char name[] = {'%', *letter, '\0'}, begin[FILENAME_BYTES], end[FILENAME_BYTES];
		char next[FILENAME_BYTES];
		int64_t span_s = filename_span_s(name), from = 20000 * INT64_C(86400);
		CU_ASSERT_TRUE_FATAL(span_s > 0);
		filename_expand(name, from, begin);
		filename_expand(name, from + span_s - 1, end);
		filename_expand(name, from + span_s, next);
		CU_ASSERT_STRING_EQUAL(begin, end);
		CU_ASSERT_STRING_NOT_EQUAL(begin, next);
	}
}

static void
mistakes(void)
{
	static const struct {
		const char *name, *says;
	} cases[] = {{"a%", "end in '%'"}, {"%%%", "end in '%'"}, {"a%D", "'/'"}, {"%x", "'/'"},
		{"%Q", "only the conversions"}, {"%s", "only the conversions"},
		{"%Ey", "only the conversions"}, {"%-d", "only the conversions"},
		{"%n", "only the conversions"}, {"%\xff", "only the conversions"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *wrong = filename_check(cases[i].name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(wrong);
		CU_ASSERT_PTR_NOT_NULL(strstr(wrong, cases[i].says));
	}
}

static void
too_long(void)
{
	char name[FILENAME_BYTES + 2], out[FILENAME_BYTES];
	memset(name, 'a', sizeof name);
	name[FILENAME_BYTES - 1] = '\0';
	CU_ASSERT_PTR_NULL(filename_check(name));
	name[FILENAME_BYTES - 3] = '%';
	name[FILENAME_BYTES - 2] = 'd';
	CU_ASSERT_PTR_NULL(filename_check(name));
	name[FILENAME_BYTES - 2] = 'A';
	CU_ASSERT_PTR_NOT_NULL(filename_check(name));
	/* Who does not check gets a shorter name, nothing worse. */
	filename_expand(name, 0, out);
	CU_ASSERT_TRUE(strlen(out) < FILENAME_BYTES);
	/* The longest date is just that. */
	name[FILENAME_BYTES - 10] = '%';
	name[FILENAME_BYTES - 9] = 'A';
	name[FILENAME_BYTES - 8] = '\0';
	CU_ASSERT_PTR_NULL(filename_check(name));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"expansions as strftime makes them", as_the_c_library},
		{"names", names},
		{"spans", spans},
		{"within a span the name stays", a_span_holds},
		{"mistakes", mistakes},
		{"names that are too long", too_long},
		{NULL, NULL},
	};
	return tap_main("filename", cases);
}
