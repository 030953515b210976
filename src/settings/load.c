/* SPDX-License-Identifier: ISC */
/* Lays all sources over each other, from the weakest to the strongest. */
#include "settings/load.h"

#include "settings/environment.h"
#include "settings/parse.h"

/* `text` is the file's, or NULL to read it. */
static size_t
load(const struct settings_sources *sources, const struct slice *text, struct settings_loaded *out,
	struct buf *errors)
{
	struct mistakes mistakes = {.out = errors};
	struct layers layers;
	struct parse parse = {.layers = &layers, .environment = sources->environment};
	if (layers_init(&layers, out, &mistakes) != 0)
		mistake_add(&mistakes, "defaults", NULL, "no memory");
	if (mistakes.count == 0) {
		layers.current = LAYER_FILE;
		if (text != NULL)
			parse_text(&parse, sources->file, *text);
		else if (sources->file != NULL)
			parse_file(&parse, sources->file);
		layers.current = LAYER_ENVIRONMENT;
		environment_apply(sources->environment, &layers);
		layers.current = LAYER_COMMAND_LINE;
		for (size_t i = 0; i < sources->extra_count; i++)
			parse_argument(&parse, i + 1, sources->extra[i]);
	}
	layers_fini(&layers);
	if (mistakes.count > 0)
		settings_loaded_fini(out);
	return mistakes.count;
}

size_t
settings_load(
	const struct settings_sources *sources, struct settings_loaded *out, struct buf *errors)
{
	return load(sources, NULL, out, errors);
}

size_t
settings_load_text(const struct settings_sources *sources, struct slice text,
	struct settings_loaded *out, struct buf *errors)
{
	return load(sources, &text, out, errors);
}
