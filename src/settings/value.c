/* SPDX-License-Identifier: ISC */
/*
 * The plain types: number, boolean, enumeration, level, text.  Those that only one directive
 * has stand in special.c.
 */
#include "settings/value.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <inttypes.h>

#include "base/reason.h"
#include "core/level.h"
#include "settings/mistake.h"

enum { NUMBER_TEXT_MAX = 24 };

static void *
field(const struct directive *directive, struct settings *settings)
{
	return (char *)settings + directive->offset;
}

static const void *
field_const(const struct directive *directive, const struct settings *settings)
{
	return (const char *)settings + directive->offset;
}

const char *
value_set_number(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	struct slice number = slice_trim(slice_of(text));
	char copy[NUMBER_TEXT_MAX] = "";
	const char *wrong = NULL;
	if (number.len < sizeof copy && number.len > 0)
		memcpy(copy, number.data, number.len);
	long long value = strtonum(copy, directive->min, directive->max, &wrong);
	if (wrong != NULL)
		return reason_format(scratch,
			"must be a whole number from %" PRId64 " to %" PRId64 ", not '%.64s'",
			directive->min, directive->max, text);
	*(int64_t *)field(directive, settings) = value;
	return NULL;
}

int
value_print_number(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	if (index > 0)
		return 0;
	const int64_t *value = field_const(directive, settings);
	return buf_printf(out, "%" PRId64, *value) == 0 ? 1 : -1;
}

const char *
value_set_boolean(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	bool on = strcasecmp(text, "on") == 0;
	if (!on && strcasecmp(text, "off") != 0)
		return reason_format(scratch, "must be on or off, not '%.64s'", text);
	*(int32_t *)field(directive, settings) = on;
	return NULL;
}

int
value_print_boolean(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	if (index > 0)
		return 0;
	const int32_t *on = field_const(directive, settings);
	return buf_append(out, slice_of(*on ? "on" : "off")) == 0 ? 1 : -1;
}

/* Cuts the first of "a|b|c" off; false when there is none left. */
static bool
next_choice(const char **values, struct slice *choice)
{
	if (**values == '\0')
		return false;
	*choice = (struct slice){*values, strcspn(*values, "|")};
	*values += choice->len;
	if (**values == '|')
		++*values;
	return true;
}

/* "a|b|c" as "a, b or c". */
static const char *
wrong_choice(const char *values, const char *text, struct buf *scratch)
{
	struct slice choice;
	buf_clear(scratch);
	int failed = buf_printf(scratch, "must be ");
	for (const char *left = values; next_choice(&left, &choice);) {
		const char *before = left == values + choice.len + 1 ? ""
		                     : *left == '\0'                 ? " or "
		                                                     : ", ";
		failed |= buf_printf(scratch, "%s%.*s", before, (int)choice.len, choice.data);
	}
	failed |= buf_printf(scratch, ", not '%.64s'", text);
	const char *message = buf_string(scratch);
	return failed || message == NULL ? "none of its values" : message;
}

const char *
value_set_choice(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	struct slice choice;
	int32_t index = 0;
	for (const char *left = directive->values; next_choice(&left, &choice); index++) {
		if (slice_equal_nocase(choice, slice_of(text))) {
			*(int32_t *)field(directive, settings) = index;
			return NULL;
		}
	}
	return wrong_choice(directive->values, text, scratch);
}

int
value_print_choice(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	const int32_t *value = field_const(directive, settings);
	struct slice choice = SLICE("");
	if (index > 0)
		return 0;
	const char *left = directive->values;
	for (int32_t i = 0; i <= *value && next_choice(&left, &choice);)
		i++;
	return buf_append(out, choice) == 0 ? 1 : -1;
}

const char *
value_set_level(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	enum level level = level_parse(slice_of(text));
	if (level == LEVEL_UNKNOWN)
		return reason_format(scratch,
			"must be DEBUG, INFO, WARNING, ERROR, CRITICAL or an alias of these, not "
			"'%.64s'",
			text);
	*(int32_t *)field(directive, settings) = (int32_t)level;
	return NULL;
}

int
value_print_level(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	if (index > 0)
		return 0;
	const int32_t *level = field_const(directive, settings);
	return buf_append(out, level_name((enum level) * level)) == 0 ? 1 : -1;
}

/* A file's line could not say them, and a path with them is a mistake or an attack. */
static bool
has_controls(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

const char *
value_set_text(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	size_t len = strlen(text);
	if (len < (size_t)directive->min)
		return reason_format(scratch, "must not be empty, give a %s", directive->argument);
	if (len >= directive->size)
		return reason_format(scratch, "%zu bytes are too long, %zu are the most", len,
			directive->size - 1);
	if (has_controls(text))
		return "must not hold control characters";
	/* Equal settings are equal bytes: nothing of an older value stays behind the end. */
	memset(field(directive, settings), 0, directive->size);
	strlcpy(field(directive, settings), text, directive->size);
	return NULL;
}

int
value_print_text(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	if (index > 0)
		return 0;
	return value_print_word(field_const(directive, settings), out) == 0 ? 1 : -1;
}

int
value_print_word(const char *word, struct buf *out)
{
	if (word[0] != '\0' && word[0] != '#' && word[strcspn(word, " \t\"'\\$")] == '\0')
		return buf_append(out, slice_of(word));
	int failed = buf_printf(out, "\"");
	for (; *word != '\0'; word++) {
		bool escape = *word == '"' || *word == '\\' || (word[0] == '$' && word[1] == '{');
		failed |= buf_printf(out, "%s%c", escape ? "\\" : "", *word);
	}
	return failed | buf_printf(out, "\"");
}
