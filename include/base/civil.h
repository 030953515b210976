/* SPDX-License-Identifier: ISC */
/* The calendar: what a count of days means to people.  Gregorian, UTC, no time zones.  Pure. */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdint.h>

struct civil {
	int64_t year;
	int month;   /* 1 to 12 */
	int day;     /* 1 to 31 */
	int of_year; /* days since the first of January */
	int of_week; /* days since Sunday, 0 to 6 */
};

/* Of a count of days since 1970-01-01, from the year 0000 on. */
struct civil civil_of_day(int64_t day);

#endif
