/* SPDX-License-Identifier: ISC */
/*
 * The sources of settings, laid over each other from the weakest to the strongest, with a note for each value
 * where it came from.  One thread at a time.
 */
#ifndef SETTINGS_LAYERS_H
#define SETTINGS_LAYERS_H

#include "settings/directive.h"
#include "settings/load.h"
#include "settings/mistake.h"

enum layer {
	LAYER_DEFAULT,
	LAYER_FILE,
	LAYER_ENVIRONMENT,
	LAYER_COMMAND_LINE,
};

struct layers {
	struct settings_loaded *out;
	struct mistakes *mistakes;
	enum layer current; /* what is being laid */
	enum layer *filled; /* by index in the table: where the values in force came from */
	struct buf scratch;
};

/*
 * Lays the built-in defaults into *out, which is overwritten.  0, or -1 with errno ENOMEM.  In both
 * cases end with layers_fini(), which leaves *out to the caller.
 */
int layers_init(struct layers *layers, struct settings_loaded *out, struct mistakes *mistakes);
void layers_fini(struct layers *layers);

/*
 * Sets one directive.  The first line of a repeatable one in a layer replaces those of weaker ones.  Returns NULL, or what is wrong, which
 * holds until the next call.
 */
const char *layers_set(struct layers *layers, const struct directive *directive, const char *text,
	const char *origin);

#endif
