/* SPDX-License-Identifier: ISC */
/*
 * Years are counted from March, so that the leap day is a year's last: Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
 */
#include "base/civil.h"

#include <stdbool.h>

enum {
	ERA_DAYS = 146097,         /* of 400 years */
	DAYS_BEFORE_1970 = 719468, /* since 0000-03-01 */
	JANUARY_FROM_MARCH = 306,  /* days from the first of March to the first of January */
	MARCH_FROM_JANUARY = 59,   /* and the other way, without a leap day */
	THURSDAY = 4,              /* 1970-01-01 */
};

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

struct civil
civil_of_day(int64_t day)
{
	int64_t since = day + DAYS_BEFORE_1970;
	int64_t era = (since >= 0 ? since : since - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t of_era = since - era * ERA_DAYS;
	int64_t leaps = of_era / 1460 - of_era / 36524 + of_era / (ERA_DAYS - 1);
	int64_t of_400 = (of_era - leaps) / 365;
	int64_t from_march = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
	int64_t month = (5 * from_march + 2) / 153; /* 0 is March */
	bool next_year = from_march >= JANUARY_FROM_MARCH;
	int64_t year = era * 400 + of_400 + next_year;
	int64_t of_year = next_year ? from_march - JANUARY_FROM_MARCH
	                            : from_march + MARCH_FROM_JANUARY + is_leap(year);
	return (struct civil){
		.year = year,
		.month = (int)(next_year ? month - 9 : month + 3),
		.day = (int)(from_march - (153 * month + 2) / 5 + 1),
		.of_year = (int)of_year,
		.of_week = (int)(((day + THURSDAY) % 7 + 7) % 7),
	};
}
