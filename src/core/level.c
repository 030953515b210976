/* SPDX-License-Identifier: ISC */
/* The levels' names and aliases.  Canonical names stand first: they are met most often. */
#include "core/level.h"

static const struct {
	struct slice name;
	enum level level;
} names[] = {
	{SLICE("DEBUG"), LEVEL_DEBUG},
	{SLICE("INFO"), LEVEL_INFO},
	{SLICE("WARNING"), LEVEL_WARNING},
	{SLICE("ERROR"), LEVEL_ERROR},
	{SLICE("CRITICAL"), LEVEL_CRITICAL},
	{SLICE("TRACE"), LEVEL_DEBUG},
	{SLICE("VERBOSE"), LEVEL_DEBUG},
	{SLICE("INFORMATION"), LEVEL_INFO},
	{SLICE("NOTICE"), LEVEL_INFO},
	{SLICE("WARN"), LEVEL_WARNING},
	{SLICE("ERR"), LEVEL_ERROR},
	{SLICE("FATAL"), LEVEL_CRITICAL},
	{SLICE("CRIT"), LEVEL_CRITICAL},
	{SLICE("ALERT"), LEVEL_CRITICAL},
	{SLICE("EMERG"), LEVEL_CRITICAL},
	{SLICE("EMERGENCY"), LEVEL_CRITICAL},
	{SLICE("PANIC"), LEVEL_CRITICAL},
};

/* The canonical names as nearly everybody sends them. */
static enum level
parse_canonical(struct slice name)
{
	switch (name.len) {
	case 4:
		return memcmp(name.data, "INFO", 4) == 0 ? LEVEL_INFO : LEVEL_UNKNOWN;
	case 5:
		if (memcmp(name.data, "ERROR", 5) == 0)
			return LEVEL_ERROR;
		return memcmp(name.data, "DEBUG", 5) == 0 ? LEVEL_DEBUG : LEVEL_UNKNOWN;
	case 7:
		return memcmp(name.data, "WARNING", 7) == 0 ? LEVEL_WARNING : LEVEL_UNKNOWN;
	case 8:
		return memcmp(name.data, "CRITICAL", 8) == 0 ? LEVEL_CRITICAL : LEVEL_UNKNOWN;
	default:
		return LEVEL_UNKNOWN;
	}
}

/* Any name that is meant. */
static enum level
parse_freely(struct slice name)
{
	name = slice_trim(name);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal_nocase(name, names[i].name))
			return names[i].level;
	}
	return LEVEL_UNKNOWN;
}

enum level
level_parse(struct slice name)
{
	enum level level = parse_canonical(name);
	return level != LEVEL_UNKNOWN ? level : parse_freely(name);
}

/* A whole number as JSON writes it, of up to three digits; -1 for all else. */
static int
plain_number(struct slice text)
{
	int number = 0;
	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.data[0] == '0'))
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		number = number * 10 + (text.data[i] - '0');
	}
	return number;
}

static enum level
level_of_pino(int number)
{
	static const enum level tens[] = {
		LEVEL_UNKNOWN, LEVEL_DEBUG, LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR};
	if (number == 60)
		return LEVEL_CRITICAL;
	return number < 60 ? tens[number / 10] : LEVEL_UNKNOWN;
}

static enum level
level_of_syslog(int number)
{
	static const enum level severities[] = {LEVEL_CRITICAL, LEVEL_CRITICAL, LEVEL_CRITICAL,
		LEVEL_ERROR, LEVEL_WARNING, LEVEL_INFO, LEVEL_INFO, LEVEL_DEBUG};
	return number < 8 ? severities[number] : LEVEL_UNKNOWN;
}

enum level
level_of_number(struct slice text, enum level_numbers numbers)
{
	int number = plain_number(slice_trim(text));
	if (number < 0)
		return LEVEL_UNKNOWN;
	return numbers == LEVEL_NUMBERS_PINO ? level_of_pino(number) : level_of_syslog(number);
}

struct slice
level_name(enum level level)
{
	static const struct slice canonical[] = {
		[LEVEL_DEBUG] = SLICE("DEBUG"),
		[LEVEL_INFO] = SLICE("INFO"),
		[LEVEL_WARNING] = SLICE("WARNING"),
		[LEVEL_ERROR] = SLICE("ERROR"),
		[LEVEL_CRITICAL] = SLICE("CRITICAL"),
		[LEVEL_UNKNOWN] = SLICE("UNKNOWN"),
	};
	return canonical[level];
}
