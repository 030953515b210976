/* SPDX-License-Identifier: ISC */
/* Checks and expands names that depend on the time. */
#include "core/filename.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/civil.h"
#include "base/slice.h"

enum { DAY_S = 86400 };

#define LAST_SECOND  INT64_C(253402300799)  /* 9999-12-31T23:59:59 */
#define LONGEST_DATE INT64_C(20726) * DAY_S /* 2026-09-30, Wednesday: no date has longer names */

/* Those that say the same in every time zone and language, and have no '/'. */
static const struct {
	const char *letters;
	int64_t span_s;
} conversions[] = {
	{"%", 0},
	{"aAbBCdeFgGhjmuUVwWyY", DAY_S},
	{"HIklpP", 3600},
	{"MR", 60},
	{"ST", 1},
};

/* The row of a conversion's letter, or -1. */
static int
row_of(char letter)
{
	int rows = sizeof conversions / sizeof conversions[0];
	for (int i = 0; letter != '\0' && i < rows; i++) {
		if (strchr(conversions[i].letters, letter) != NULL)
			return i;
	}
	return -1;
}

static struct tm
split(int64_t wall_s)
{
	struct civil date = civil_of_day(wall_s / DAY_S);
	int second = (int)(wall_s % DAY_S);
	return (struct tm){
		.tm_year = (int)date.year - 1900,
		.tm_mon = date.month - 1,
		.tm_mday = date.day,
		.tm_yday = date.of_year,
		.tm_wday = date.of_week,
		.tm_hour = second / 3600,
		.tm_min = second / 60 % 60,
		.tm_sec = second % 60,
	};
}

/* Appends what one conversion becomes; false when there is no room. */
static bool
put_conversion(char letter, const struct tm *time, char *out, size_t *len)
{
	char format[] = {'%', letter, '\0'}, text[32];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* it is one of the table above */
	size_t added = strftime(text, sizeof text, format, time);
#pragma GCC diagnostic pop
	if (added >= FILENAME_BYTES - *len)
		return false;
	memcpy(out + *len, text, added);
	*len += added;
	return true;
}

/* False when the name is cut for lack of room. */
static bool
expand(const char *name, int64_t wall_s, char *out)
{
	size_t len = 0;
	bool whole = true;
	struct tm time = split(wall_s);
	for (; whole && *name != '\0'; name++) {
		if (*name == '%' && row_of(name[1]) >= 0)
			whole = put_conversion(*++name, &time, out, &len);
		else if ((whole = len + 1 < FILENAME_BYTES))
			out[len++] = *name;
	}
	out[len] = '\0';
	return whole;
}

const char *
filename_check(const char *name)
{
	char longest[FILENAME_BYTES];
	for (const char *at = strchr(name, '%'); at != NULL; at = strchr(at + 2, '%')) {
		if (at[1] == '\0')
			return "must not end in '%', write %% for the character itself";
		if (strchr("Dx", at[1]) != NULL)
			return "must not hold %D or %x, which expand to a '/'; write %F";
		if (row_of(at[1]) < 0)
			return "must hold only the conversions of strftime with "
			       "aAbBCdeFgGhHIjklmMpPRSTuUVwWyY; "
			       "write %% for the character itself";
	}
	if (!expand(name, LONGEST_DATE, longest))
		return "must not expand to more than 255 bytes";
	return NULL;
}

int64_t
filename_span_s(const char *name)
{
	int64_t span_s = 0;
	for (const char *at = strchr(name, '%'); at != NULL; at = strchr(at + 2, '%')) {
		int row = row_of(at[1]);
		if (row < 0)
			break;
		if (conversions[row].span_s > 0 &&
			(span_s == 0 || conversions[row].span_s < span_s))
			span_s = conversions[row].span_s;
	}
	return span_s;
}

void
filename_expand(const char *name, int64_t wall_s, char out[static FILENAME_BYTES])
{
	int64_t known = wall_s < 0 ? 0 : wall_s > LAST_SECOND ? LAST_SECOND : wall_s;
	(void)expand(name, known, out);
}
