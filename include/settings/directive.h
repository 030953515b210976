/* SPDX-License-Identifier: ISC */
/*
 * The one table of directives: name, environment variable, type, bounds, default, when a change takes
 * effect, and what it means.  Everything that knows a directive by name is derived from
 * it: the parser, the environment, -S, the shipped configuration's test, the manual.
 */
#ifndef SETTINGS_DIRECTIVE_H
#define SETTINGS_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "settings/settings.h"

enum directive_scope {
	SCOPE_LIVE,        /* from every connection's next line on */
	SCOPE_NEW_WORKERS, /* a new generation of workers */
	SCOPE_RESTART,
};

struct directive;

/*
 * Stores a value.  `text` is the whole argument, unquoted.  Returns NULL, or what is wrong and what
 * would be right, without place or name (the caller adds them); the string is constant or lies in
 * `scratch`.  Settings are unchanged on error.
 */
typedef const char *directive_set(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch);

/*
 * Appends the value in the form that parses again, quoted where needed.  Only repeatable ones have more than
 * one: their elements are asked for by index.  1, 0 when there is no such value, or -1 with errno ENOMEM.
 */
typedef int directive_print(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out);

struct directive {
	const char *name;        /* MinLogLevel */
	const char *argument;    /* what it takes, for messages and the manual: "level" */
	const char *environment; /* MIN_LOG_LEVEL, or NULL; Listen has two, with a space between */
	const char *default_value; /* as in a file; NULL: computed, or none */
	directive_set *set;        /* NULL: Include and IncludeOptional, which the parser follows */
	directive_print *print;    /* NULL with set */
	size_t offset;             /* of the field in struct settings */
	size_t size;               /* of the field */
	size_t count_offset; /* repeatable: of the int64_t that counts the field's elements; else 0 */
	int64_t min, max;    /* where it is a number; min also of a string's bytes */
	const char *values; /* where it is an enumeration: "filter|accept|reject" */
	enum directive_scope scope;
	bool many;           /* takes several words, which are given to `set` as one text */
	const char *meaning; /* one sentence, for the manual */
};

extern const struct directive directives[];
extern const size_t directives_count;

/* By name, in any case; NULL when there is none. */
const struct directive *directive_find(const char *name);

/* The known name most like this one, or NULL when none is near. */
const char *directive_suggest(const char *name);

#endif
