/* SPDX-License-Identifier: ISC */
/* Lays values over weaker ones and remembers where they came from. */
#include "settings/layers.h"

#include <unistd.h>

#include "settings/value.h"

/* 0, or -1 with the old origin in its place. */
static int
set_origin(char **slot, const char *origin)
{
	char *copy = strdup(origin);
	if (copy == NULL)
		return -1;
	free(*slot);
	*slot = copy;
	return 0;
}

static void
clear_listen(struct settings_loaded *loaded)
{
	for (size_t i = 0; i < SETTINGS_LISTEN_MAX; i++) {
		free(loaded->listen_origins[i]);
		loaded->listen_origins[i] = NULL;
	}
	memset(loaded->settings.listen, 0, sizeof loaded->settings.listen);
	loaded->settings.listen_count = 0;
}

static const char *
set_listen(struct layers *layers, const struct directive *directive, const char *text,
	const char *origin)
{
	struct settings_loaded *out = layers->out;
	if (layers->listen_layer != layers->current) {
		clear_listen(out);
		layers->listen_layer = layers->current;
	}
	const char *wrong = directive->set(directive, &out->settings, text, &layers->scratch);
	if (wrong == NULL &&
		set_origin(&out->listen_origins[out->settings.listen_count - 1], origin) != 0)
		wrong = "there is no memory";
	return wrong;
}

const char *
layers_set(struct layers *layers, const struct directive *directive, const char *text,
	const char *origin)
{
	const char *wrong = directive->set == value_set_listen
	                            ? set_listen(layers, directive, text, origin)
	                            : directive->set(directive, &layers->out->settings, text,
					      &layers->scratch);
	if (wrong == NULL && set_origin(&layers->out->origins[directive - directives], origin) != 0)
		wrong = "there is no memory";
	return wrong;
}

static int64_t
cpus_online(const struct directive *workers)
{
	int64_t count = sysconf(_SC_NPROCESSORS_ONLN);
	return count < workers->min ? workers->min : count > workers->max ? workers->max : count;
}

/* What has no default text is zero, which means none; but Workers. */
static int
set_default(struct layers *layers, const struct directive *directive)
{
	char number[24];
	const char *text = directive->default_value;
	if (directive->set == NULL)
		return 0;
	if (directive->offset == offsetof(struct settings, workers)) {
		snprintf(number, sizeof number, "%lld", (long long)cpus_online(directive));
		text = number;
	}
	if (text == NULL)
		return set_origin(&layers->out->origins[directive - directives], "default");
	return layers_set(layers, directive, text, "default") == NULL ? 0 : -1;
}

int
layers_init(struct layers *layers, struct settings_loaded *out, struct mistakes *mistakes)
{
	*layers = (struct layers){.out = out, .mistakes = mistakes};
	memset(out, 0, sizeof *out);
	out->origins = calloc(directives_count, sizeof *out->origins);
	if (out->origins == NULL)
		return -1;
	for (size_t i = 0; i < directives_count; i++) {
		if (set_default(layers, &directives[i]) != 0)
			return -1;
	}
	return 0;
}

void
layers_fini(struct layers *layers)
{
	buf_fini(&layers->scratch);
}

void
settings_loaded_fini(struct settings_loaded *loaded)
{
	clear_listen(loaded);
	for (size_t i = 0; loaded->origins != NULL && i < directives_count; i++)
		free(loaded->origins[i]);
	free(loaded->origins);
	loaded->origins = NULL;
}
