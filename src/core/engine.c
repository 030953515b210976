/* SPDX-License-Identifier: ISC */
/* Reads and writes Forward lines, word by word, as the table of schemes says. */
#include "core/engine.h"

#include <bsd/string.h>

#include "base/reason.h"

static const struct scheme {
	const char *name, *package;
	uint16_t port; /* where none was said */
	struct engine_option options[ENGINE_OPTIONS_MAX + 1];
} schemes[] = {
	{"kafka", "logcollectd-kafka", 9092,
		{{.name = "topic", .required = true, .name_max = 249},
			{.name = "key", .default_value = "%{node}"},
			{.name = "mechanism",
				.default_value = "PLAIN",
				.values = "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512"}}},
	{"amqp", "logcollectd-amqp", 5672,
		{{.name = "exchange"}, {.name = "routing-key", .default_value = "logs"},
			{.name = "queue-type",
				.default_value = "quorum",
				.values = "quorum|stream"},
			{.name = "vhost", .default_value = "/"}}},
};

static const struct scheme *
find_scheme(const char *name)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (strcmp(schemes[i].name, name) == 0)
			return &schemes[i];
	}
	return NULL;
}

const char *
engine_package(const char *scheme)
{
	const struct scheme *found = find_scheme(scheme);
	return found == NULL ? NULL : found->package;
}

const struct engine_option *
engine_option(const struct engine *engine, size_t index)
{
	const struct scheme *scheme = find_scheme(engine->scheme);
	if (scheme == NULL || index >= ENGINE_OPTIONS_MAX || scheme->options[index].name == NULL)
		return NULL;
	return &scheme->options[index];
}

const char *
engine_value(const struct engine *engine, size_t index)
{
	const struct engine_option *option = engine_option(engine, index);
	if (option == NULL || engine->values[index][0] != '\0')
		return option == NULL ? NULL : engine->values[index];
	return option->default_value;
}

static bool
is_name(const char *name, size_t max)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);
	return len > 0 && len <= max && strspn(name, good) == len;
}

bool
engine_is_node(const char *node)
{
	return is_name(node, ENGINE_NODE_MAX - 1);
}

static bool
is_option_name(const struct engine_option *option, const char *value)
{
	return option->name_max == 0 ||
	       (is_name(value, option->name_max) && strcmp(value, ".") != 0 &&
		       strcmp(value, "..") != 0);
}

/* The text of the port is appended where it is missing: so an endpoint reads it. */
static const char *
parse_host(struct slice text, const struct scheme *scheme, struct endpoint *out)
{
	char copy[ENDPOINT_TEXT_MAX] = {0};
	if (text.len == 0 || text.data[0] == '*' || text.len + sizeof ":65535" > sizeof copy)
		return "a host must be a name or an address, with a port as in broker1:9092";
	memcpy(copy, text.data, text.len);
	const char *colon = strrchr(copy, ':');
	bool has_port = colon != NULL && strchr(colon, ']') == NULL;
	if (!has_port)
		snprintf(copy + text.len, sizeof copy - text.len, ":%u", scheme->port);
	const char *reason = endpoint_parse(copy, out);
	if (reason == NULL && (out->port == 0 || strncmp(out->host, "fd@", 3) == 0))
		return "a host must be a name or an address, with a port as in broker1:9092";
	return reason;
}

static const char *
parse_hosts(
	struct slice list, const struct scheme *scheme, struct engine *engine, struct buf *scratch)
{
	for (const char *comma = list.data; comma != NULL;) {
		comma = memchr(list.data, ',', list.len);
		size_t len = comma == NULL ? list.len : (size_t)(comma - list.data);
		if (engine->host_count == ENGINE_HOSTS_MAX)
			return reason_format(scratch, "%d hosts are the most", ENGINE_HOSTS_MAX);
		const char *reason = parse_host((struct slice){list.data, len}, scheme,
			&engine->hosts[engine->host_count++]);
		if (reason != NULL)
			return reason_format(scratch, "'%.*s': %s", (int)(len < 64 ? len : 64),
				list.data, reason);
		list.data += len + 1;
		list.len -= comma == NULL ? len : len + 1;
	}
	return NULL;
}

/* kafka://a:9092,b */
static const char *
parse_address(struct slice word, struct engine *engine, struct buf *scratch)
{
	static const char right[] =
		"must be off, or an engine as in kafka://broker1:9092,broker2:9092 topic=logs";
	const char *colon = memmem(word.data, word.len, "://", 3);
	size_t len = colon == NULL ? 0 : (size_t)(colon - word.data);
	if (len == 0 || len >= sizeof engine->scheme)
		return right;
	memcpy(engine->scheme, word.data, len);
	const struct scheme *scheme = find_scheme(engine->scheme);
	if (scheme == NULL)
		return reason_format(scratch, "there is no driver for %s, use kafka:// or amqp://",
			engine->scheme);
	return parse_hosts((struct slice){colon + 3, word.len - len - 3}, scheme, engine, scratch);
}

static bool
is_one_of(const char *values, const char *value)
{
	size_t len = strlen(value);
	for (const char *at = values; len > 0 && *at != '\0';
		at += strcspn(at, "|"), at += *at == '|') {
		if (strcspn(at, "|") == len && strncmp(at, value, len) == 0)
			return true;
	}
	return false;
}

static const char *
set_option(struct engine *engine, struct slice name, const char *value, struct buf *scratch)
{
	const struct engine_option *option;
	for (size_t i = 0; (option = engine_option(engine, i)) != NULL; i++) {
		if (!slice_equal(name, slice_of(option->name)))
			continue;
		if (option->values != NULL && !is_one_of(option->values, value))
			return reason_format(scratch, "%s must be one of %s, not '%.64s'",
				option->name, option->values, value);
		if (!is_option_name(option, value))
			return reason_format(scratch,
				"%s= must be at most %zu letters, digits, '.', '_' and '-', not "
				"'%.64s'",
				option->name, option->name_max, value);
		strlcpy(engine->values[i], value, sizeof engine->values[i]);
		return NULL;
	}
	buf_clear(scratch);
	for (size_t i = 0; (option = engine_option(engine, i)) != NULL; i++)
		buf_printf(scratch, "%s=, ", option->name);
	char known[256];
	snprintf(known, sizeof known, "%.*s", (int)scratch->len, scratch->data);
	return reason_format(scratch,
		"'%.*s': an option of %s must be %sor node=", (int)(name.len < 64 ? name.len : 64),
		name.data, engine->scheme, known);
}

static const char *
parse_option(struct slice word, struct engine *engine, struct buf *scratch)
{
	char value[ENGINE_VALUE_MAX] = {0};
	const char *equal = memchr(word.data, '=', word.len);
	struct slice name = {word.data, equal == NULL ? word.len : (size_t)(equal - word.data)};
	size_t len = equal == NULL ? 0 : word.len - name.len - 1;
	if (len >= sizeof value)
		return reason_format(scratch, "'%.*s': %zu bytes are the most",
			(int)(name.len < 64 ? name.len : 64), name.data, sizeof value - 1);
	if (len == 0)
		return reason_format(scratch, "'%.*s' needs a value, as in topic=logs",
			(int)(name.len < 64 ? name.len : 64), name.data);
	memcpy(value, equal + 1, len);
	if (!slice_equal(name, (struct slice)SLICE("node")))
		return set_option(engine, name, value, scratch);
	if (!engine_is_node(value))
		return "node= must be letters, digits, '.', '_' and '-'";
	strlcpy(engine->node, value, sizeof engine->node);
	return NULL;
}

static const char *
check_required(const struct engine *engine, struct buf *scratch)
{
	const struct engine_option *option;
	for (size_t i = 0; (option = engine_option(engine, i)) != NULL; i++) {
		if (option->required && engine->values[i][0] == '\0')
			return reason_format(scratch, "%s needs %s=, as in %s=logs", engine->scheme,
				option->name, option->name);
	}
	return NULL;
}

const char *
engine_parse(struct slice text, struct engine *out, struct buf *scratch)
{
	struct engine engine;
	struct slice word;
	/* Equal settings are equal bytes. */
	memset(&engine, 0, sizeof engine);
	if (!slice_next_word(&text, &word))
		return "must not be empty, give off or an engine as in kafka://broker1:9092 "
		       "topic=logs";
	const char *reason = NULL;
	if (!slice_equal_nocase(word, (struct slice)SLICE("off"))) {
		reason = parse_address(word, &engine, scratch);
		while (reason == NULL && slice_next_word(&text, &word))
			reason = parse_option(word, &engine, scratch);
		if (reason == NULL)
			reason = check_required(&engine, scratch);
	} else if (slice_next_word(&text, &word)) {
		reason = "nothing may stand behind off";
	}
	if (reason == NULL)
		memcpy(out, &engine, sizeof engine);
	return reason;
}

int
engine_print(const struct engine *engine, struct buf *out)
{
	char text[ENDPOINT_TEXT_MAX];
	const struct engine_option *option;
	if (engine->scheme[0] == '\0')
		return buf_append(out, (struct slice)SLICE("off"));
	int failed = buf_printf(out, "%s://", engine->scheme);
	for (uint32_t i = 0; i < engine->host_count; i++)
		failed |= buf_printf(
			out, "%s%s", i > 0 ? "," : "", endpoint_format(&engine->hosts[i], text));
	for (size_t i = 0; (option = engine_option(engine, i)) != NULL; i++) {
		if (engine->values[i][0] != '\0')
			failed |= buf_printf(out, " %s=%s", option->name, engine->values[i]);
	}
	if (engine->node[0] != '\0')
		failed |= buf_printf(out, " node=%s", engine->node);
	return failed;
}
