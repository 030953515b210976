/* SPDX-License-Identifier: ISC */
/* Lays values over weaker ones and remembers where they came from. */
#include "settings/layers.h"

#include <unistd.h>

#include "settings/value.h"

/* How many elements the directive has; one where it is not repeatable, and for a list that is empty. */
static size_t
count_of(const struct directive *directive, const struct settings *settings)
{
	int64_t count = 1;
	if (directive->count_offset != 0)
		memcpy(&count, (const char *)settings + directive->count_offset, sizeof count);
	return count > 0 ? (size_t)count : 1;
}

static void
clear_origins(struct origins *origins)
{
	for (size_t i = 0; i < origins->count; i++)
		free(origins->items[i]);
	free(origins->items);
	*origins = (struct origins){0};
}

/* Says of all elements that have no origin yet that it is this one.  0, or -1. */
static int
add_origins(struct origins *origins, size_t count, const char *origin)
{
	if (count == origins->count)
		return 0;
	char **items = reallocarray(origins->items, count, sizeof *items);
	if (items == NULL)
		return -1;
	origins->items = items;
	for (; origins->count < count; origins->count++) {
		items[origins->count] = strdup(origin);
		if (items[origins->count] == NULL)
			return -1;
	}
	return 0;
}

/* A stronger layer begins its own list. */
static void
begin_list(struct layers *layers, const struct directive *directive)
{
	static const int64_t none = 0;
	char *settings = (char *)&layers->out->settings;
	if (layers->filled[directive - directives] == layers->current)
		return;
	memset(settings + directive->offset, 0, directive->size);
	memcpy(settings + directive->count_offset, &none, sizeof none);
	clear_origins(&layers->out->origins[directive - directives]);
}

const char *
layers_set(struct layers *layers, const struct directive *directive, const char *text,
	const char *origin)
{
	struct origins *origins = &layers->out->origins[directive - directives];
	if (directive->count_offset != 0)
		begin_list(layers, directive);
	layers->filled[directive - directives] = layers->current;
	const char *wrong = directive->set(
		directive, &layers->out->settings, text, &layers->scratch);
	if (wrong != NULL)
		return wrong;
	if (directive->count_offset == 0)
		clear_origins(origins);
	return add_origins(origins, count_of(directive, &layers->out->settings), origin) == 0
	               ? NULL
	               : "there is no memory";
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
	if (text == NULL && directive->count_offset != 0)
		return 0;
	if (text == NULL)
		return add_origins(&layers->out->origins[directive - directives], 1, "default");
	return layers_set(layers, directive, text, "default") == NULL ? 0 : -1;
}

int
layers_init(struct layers *layers, struct settings_loaded *out, struct mistakes *mistakes)
{
	*layers = (struct layers){.out = out, .mistakes = mistakes};
	memset(out, 0, sizeof *out);
	out->origins = calloc(directives_count, sizeof *out->origins);
	layers->filled = calloc(directives_count, sizeof *layers->filled);
	if (out->origins == NULL || layers->filled == NULL)
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
	free(layers->filled);
	buf_fini(&layers->scratch);
}

void
settings_loaded_fini(struct settings_loaded *loaded)
{
	for (size_t i = 0; loaded->origins != NULL && i < directives_count; i++)
		clear_origins(&loaded->origins[i]);
	free(loaded->origins);
	loaded->origins = NULL;
}
