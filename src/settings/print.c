/* SPDX-License-Identifier: ISC */
/* Prints the settings in force, in a form that parses again to the same. */
#include "settings/directive.h"
#include "settings/load.h"
#include "settings/value.h"

enum { NAME_COLUMNS = 24, VALUE_COLUMNS = 23 };

/* A comment ends with its line, so an origin must hold no newline: file names may. */
static int
print_origin(const char *origin, struct buf *out)
{
	int failed = buf_printf(out, " # ");
	for (; *origin != '\0'; origin++) {
		unsigned char c = (unsigned char)*origin;
		failed |= buf_printf(out, "%c", c < 0x20 || c == 0x7f ? '?' : *origin);
	}
	return failed | buf_printf(out, "\n");
}

/* 1, 0 when the directive has no such value, or -1. */
static int
print_line(const struct settings_loaded *loaded, const struct directive *directive, size_t index,
	struct buf *out)
{
	size_t start = out->len;
	if (buf_printf(out, "%-*s", NAME_COLUMNS, directive->name) != 0)
		return -1;
	int printed = directive->print(directive, &loaded->settings, index, out);
	if (printed <= 0) {
		out->len = start;
		return printed;
	}
	size_t width = out->len - start;
	int pad = width < NAME_COLUMNS + VALUE_COLUMNS ? (int)(NAME_COLUMNS + VALUE_COLUMNS - width)
	                                               : 0;
	const struct origins *origins = &loaded->origins[directive - directives];
	if (buf_printf(out, "%*s", pad, "") != 0 || print_origin(origins->items[index], out) != 0)
		return -1;
	return 1;
}

int
settings_print(const struct settings_loaded *loaded, struct buf *out)
{
	for (size_t i = 0; i < directives_count; i++) {
		int printed = 1;
		for (size_t index = 0; printed > 0 && directives[i].print != NULL; index++)
			printed = print_line(loaded, &directives[i], index, out);
		if (printed < 0)
			return -1;
	}
	return 0;
}
