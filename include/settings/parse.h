/* SPDX-License-Identifier: ISC */
/*
 * From a file (and those that it includes) or a text to directives, laid into the
 * current layer.  Mistakes are collected with their place and parsing goes on behind them.
 * One thread at a time.
 */
#ifndef SETTINGS_PARSE_H
#define SETTINGS_PARSE_H

#include "base/slice.h"
#include "settings/layers.h"

enum {
	PARSE_DEPTH_MAX = 16, /* of files that include files */
	PARSE_FILE_BYTES_MAX = 16 * 1024 * 1024,
	PARSE_FILES_MAX = 1024, /* in all, or a few lines of globs would read for hours */
};

struct parse {
	struct layers *layers;
	char *const *environment;
	size_t files;
};

void parse_file(struct parse *parse, const char *path);

/*
 * The text of a file that was read elsewhere; `name` stands in messages in place of the path.  Include is a
 * mistake there: the text has no folder.
 */
void parse_text(struct parse *parse, const char *name, struct slice text);

/* One -c of the command line; number counts from 1.  Include is relative to the working directory. */
void parse_argument(struct parse *parse, size_t number, const char *text);

#endif
