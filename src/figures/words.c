/* SPDX-License-Identifier: ISC */
/* Numbers and times in few characters. */
#include "figures/words.h"

#include <stdbool.h>
#include <stddef.h>

const char *
words_rate(double rate, char text[static WORDS_MAX])
{
	static const char units[] = {'k', 'M', 'G', 'T'};
	if (rate < 9999.5) {
		snprintf(text, WORDS_MAX,
			rate < 9.95 && rate != (double)(int64_t)rate ? "%.1f" : "%.0f", rate);
		return text;
	}
	size_t unit = 0;
	for (rate /= 1000; rate >= 999.5 && unit + 1 < sizeof units; unit++)
		rate /= 1000;
	snprintf(text, WORDS_MAX, rate < 99.95 ? "%.1f%c" : "%.0f%c", rate, units[unit]);
	return text;
}

const char *
words_time(int64_t microseconds, char text[static WORDS_MAX])
{
	double us = (double)microseconds;
	if (microseconds < 0)
		snprintf(text, WORDS_MAX, "-");
	else if (microseconds < 1000)
		snprintf(text, WORDS_MAX, "%.0f us", us);
	else if (microseconds < 1000000)
		snprintf(text, WORDS_MAX, "%.3g ms", us / 1000);
	else
		snprintf(text, WORDS_MAX, "%.3g s", us / 1000000);
	return text;
}

const char *
words_span(int64_t milliseconds, char text[static WORDS_MAX])
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	int64_t seconds = milliseconds < 0 ? 0 : milliseconds / 1000;
	size_t i = 0;
	while (i < 3 && seconds < units[i].seconds)
		i++;
	long long whole = seconds / units[i].seconds;
	if (i == 3)
		snprintf(text, WORDS_MAX, "%lld%c", whole, units[i].name);
	else
		snprintf(text, WORDS_MAX, "%lld%c %lld%c", whole, units[i].name,
			(long long)(seconds % units[i].seconds / units[i + 1].seconds),
			units[i + 1].name);
	return text;
}

void
words_print_lines(FILE *out, const char *indent, const char *text)
{
	for (bool fresh = true; *text != '\0'; text++) {
		if (fresh)
			fputs(indent, out);
		fresh = *text == '\n';
		fputc((unsigned char)*text < ' ' && !fresh ? '?' : *text, out);
		if (text[1] == '\0' && !fresh)
			fputc('\n', out);
	}
}
