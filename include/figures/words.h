/* SPDX-License-Identifier: ISC */
/* How numbers and times are written for people.  Pure, thread-safe. */
#ifndef FIGURES_WORDS_H
#define FIGURES_WORDS_H

#include <stdint.h>
#include <stdio.h>

enum { WORDS_MAX = 40 };

/* 4711, 12.3k, 4.5M: at most five characters up to the billions. */
const char *words_rate(double rate, char text[static WORDS_MAX]);

/* 350 us, 1.2 ms, 3.4 s; "-" for less than 0. */
const char *words_time(int64_t microseconds, char text[static WORDS_MAX]);

/* 45s, 3m 20s, 2h 5m, 12d 3h */
const char *words_span(int64_t milliseconds, char text[static WORDS_MAX]);

/* Prints the text, each of its lines after `indent`; control characters as `?`. */
void words_print_lines(FILE *out, const char *indent, const char *text);

#endif
