/* SPDX-License-Identifier: ISC */
/* Lays all sources over each other, from the weakest to the strongest. */
#include "settings/load.h"

#include "settings/environment.h"
#include "settings/forwarding.h"
#include "settings/parse.h"

/* What is good by itself may not be so together. */
static void
check_proxies(const struct settings_loaded *loaded, struct mistakes *mistakes)
{
	const struct directive *listen = directive_find("Listen");
	const struct settings *settings = &loaded->settings;
	for (int64_t i = 0; i < settings->listen_count; i++) {
		if ((settings->listen[i].options & LISTEN_PROXY) != 0 &&
			settings->proxy_trusted_count == 0)
			mistake_add(mistakes, loaded->origins[listen - directives].items[i],
				listen->name,
				"proxy refuses everybody without ProxyTrusted, name the load "
				"balancer there as in ProxyTrusted 192.0.2.10");
	}
}

/* Told of the place where the directive was said. */
static void
check_forwarding(const struct settings_loaded *loaded, struct mistakes *mistakes)
{
	const char *name;
	const char *wrong = forwarding_check(&loaded->settings, &name);
	if (wrong == NULL)
		return;
	const struct origins *origins = &loaded->origins[directive_find(name) - directives];
	mistake_add(mistakes, origins->count > 0 ? origins->items[0] : "defaults", name, wrong);
}

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
	if (mistakes.count == 0)
		check_proxies(out, &mistakes);
	if (mistakes.count == 0)
		check_forwarding(out, &mistakes);
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

const char *
settings_place(const struct settings_loaded *loaded, const char *directive)
{
	const struct directive *found = directive_find(directive);
	const struct origins *origins = found == NULL ? NULL : &loaded->origins[found - directives];
	if (origins == NULL || origins->count == 0 || strcmp(origins->items[0], "default") == 0)
		return NULL;
	return origins->items[0];
}
