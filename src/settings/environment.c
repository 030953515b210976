/* SPDX-License-Identifier: ISC */
/*
 * Settings from the environment.  Booleans are written there in more ways than in a file, and Listen is
 * made of two variables; all else is as in a file.
 */
#include "settings/environment.h"

#include "base/reason.h"
#include "settings/value.h"

static const char place[] = "environment";

const char *
environment_get(char *const *environment, struct slice name)
{
	for (; environment != NULL && *environment != NULL; environment++) {
		if (strncmp(*environment, name.data, name.len) == 0 &&
			(*environment)[name.len] == '=')
			return *environment + name.len + 1;
	}
	return NULL;
}

/* As the file writes it, or NULL. */
static const char *
boolean_word(const char *text)
{
	static const struct {
		struct slice text;
		const char *word;
	} known[] = {
		{SLICE("true"), "on"},
		{SLICE("1"), "on"},
		{SLICE("yes"), "on"},
		{SLICE("false"), "off"},
		{SLICE("0"), "off"},
		{SLICE("no"), "off"},
		{SLICE("off"), "off"},
		{SLICE(""), "off"},
	};
	struct slice trimmed = slice_trim(slice_of(text));
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (slice_equal_nocase(known[i].text, trimmed))
			return known[i].word;
	}
	return NULL;
}

static void
apply_variable(const struct directive *directive, const char *text, struct layers *layers)
{
	char origin[80];
	const char *wrong;
	snprintf(origin, sizeof origin, "environment %s", directive->environment);
	if (directive->set == value_set_boolean) {
		const char *word = boolean_word(text);
		wrong = word != NULL ? layers_set(layers, directive, word, origin)
		                     : reason_format(&layers->scratch,
					       "must be true, 1 or yes, or false, 0, no, off or "
					       "empty, not '%.64s'",
					       text);
	} else {
		wrong = layers_set(layers, directive, text, origin);
	}
	if (wrong != NULL)
		mistake_add(layers->mistakes, place, directive->environment, wrong);
}

static bool
good_half(const char *variable, const char *text, const char *wrong, struct layers *layers)
{
	if (wrong != NULL)
		mistake_add(layers->mistakes, place, variable,
			reason_format(&layers->scratch, "'%.64s': %s", text, wrong));
	return wrong == NULL;
}

/* One Listen from SERVER_HOST and SERVER_PORT; the half that is missing, and the options, are those of
 * the first weaker Listen. */
static void
apply_listen(const struct directive *directive, const char *host, const char *port,
	struct layers *layers)
{
	const struct settings *settings = &layers->out->settings;
	struct listen listen = settings->listen[0];
	struct buf text = {0};
	bool good = true;
	if (host != NULL)
		good &= good_half(
			"SERVER_HOST", host, endpoint_parse_host(host, &listen.endpoint), layers);
	if (port != NULL)
		good &= good_half(
			"SERVER_PORT", port, endpoint_parse_port(port, &listen.endpoint), layers);
	const char *origin = host == NULL   ? "environment SERVER_PORT"
	                     : port == NULL ? "environment SERVER_HOST"
	                                    : "environment SERVER_HOST SERVER_PORT";
	const char *wrong = NULL;
	if (good && (listen_print(&listen, &text) != 0 || buf_string(&text) == NULL))
		wrong = "there is no memory";
	else if (good)
		wrong = layers_set(layers, directive, text.data, origin);
	if (wrong != NULL)
		mistake_add(layers->mistakes, place, directive->environment, wrong);
	buf_fini(&text);
}

void
environment_apply(char *const *environment, struct layers *layers)
{
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->environment == NULL)
			continue;
		if (directive->set == value_set_listen) {
			const char *host = environment_get(
				environment, (struct slice)SLICE("SERVER_HOST"));
			const char *port = environment_get(
				environment, (struct slice)SLICE("SERVER_PORT"));
			if (host != NULL || port != NULL)
				apply_listen(directive, host, port, layers);
			continue;
		}
		const char *text = environment_get(environment, slice_of(directive->environment));
		if (text != NULL)
			apply_variable(directive, text, layers);
	}
}
