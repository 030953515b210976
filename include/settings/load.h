/* SPDX-License-Identifier: ISC */
/*
 * From all sources to one checked struct settings: built-in defaults, configuration file,
 * environment, command line, each stronger than the one before.  Every error of every source is
 * reported, and where each value came from is remembered.
 */
#ifndef SETTINGS_LOAD_H
#define SETTINGS_LOAD_H

#include <stddef.h>

#include "base/buf.h"
#include "settings/settings.h"

/* Where to look.  Nothing is kept; the strings are the caller's. */
struct settings_sources {
	const char *file;         /* NULL: no configuration file */
	char *const *environment; /* as environ; also what ${NAME} is replaced from */
	const char *const *extra; /* `Directive value` lines of -c */
	size_t extra_count;
};

/* Where the values of one directive came from: one, or as many as a repeatable one has elements. */
struct origins {
	char **items;
	size_t count;
};

/*
 * The settings in force and where their values came from: "default", "file:line",
 * "environment SERVER_PORT", "command line".
 */
struct settings_loaded {
	struct settings settings;
	struct origins *origins; /* by index in the table of directives */
};

/*
 * Loads and checks.  Returns the number of errors, each appended to `errors` as one line: "file:line: Directive: what is
 * wrong, what would be right".  With 0 errors *out is complete and is to be freed with
 * settings_loaded_fini(); else it is not to be used.  Reads files; not thread-safe.
 */
size_t settings_load(
	const struct settings_sources *sources, struct settings_loaded *out, struct buf *errors);
void settings_loaded_fini(struct settings_loaded *loaded);

/*
 * The same with a text in place of the file; sources->file (not NULL) is what it is called.  Include is an
 * error in it.
 */
size_t settings_load_text(const struct settings_sources *sources, struct slice text,
	struct settings_loaded *out, struct buf *errors);

/* Where that directive was said last, as in "file:line"; NULL: nowhere. */
const char *settings_place(const struct settings_loaded *loaded, const char *directive);

/*
 * Appends all settings, one directive a line with its origin as a comment; parses again to the same.
 * 0, or -1 with errno ENOMEM.
 */
int settings_print(const struct settings_loaded *loaded, struct buf *out);

#endif
