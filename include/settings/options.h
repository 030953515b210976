/* SPDX-License-Identifier: ISC */
/* The daemon's command line: where its settings come from, and what it is to do with them. */
#ifndef SETTINGS_OPTIONS_H
#define SETTINGS_OPTIONS_H

#include <stdbool.h>

#include "settings/load.h"

enum { OPTIONS_EXTRA_MAX = 64 };

struct options {
	struct settings_sources sources; /* points into this struct: it must not be moved */
	const char *extra[OPTIONS_EXTRA_MAX];
	bool test, show, detach;
};

/*
 * Reads the arguments, which have to stay, into *options, which is zeroed but for the environment.  Returns -1 to go on, or
 * the exit status of a program that has said all there was to say.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif
