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
