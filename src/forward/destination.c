/* SPDX-License-Identifier: ISC */
/* Copies what drivers need out of the settings, and reads the password. */
#include "forward/destination.h"

#include <bsd/string.h>
#include <unistd.h>

#include "base/passfile.h"

const char *
destination_own_node(char node[static ENGINE_NODE_MAX])
{
	if (gethostname(node, ENGINE_NODE_MAX - 1) != 0)
		node[0] = '\0';
	node[ENGINE_NODE_MAX - 1] = '\0';
	for (char *at = node; *at != '\0'; at++) {
		const char one[] = {*at, '\0'};
		if (!engine_is_node(one))
			*at = '_';
	}
	if (node[0] == '\0')
		strlcpy(node, "unnamed", ENGINE_NODE_MAX);
	return node;
}

/* Every %{node} becomes the node. */
static void
replace_node(const char *value, const char *node, char *out, size_t size)
{
	static const char mark[] = "%{node}";
	size_t len = 0;
	out[0] = '\0';
	while (*value != '\0' && len + 1 < size) {
		if (strncmp(value, mark, sizeof mark - 1) == 0) {
			len = strlcat(out, node, size);
			value += sizeof mark - 1;
			continue;
		}
		out[len++] = *value++;
		out[len] = '\0';
	}
}

static const char *
read_password(struct destination *destination, const char *path, char why[FORWARD_WHY_MAX])
{
	const char *wrong = passfile_read(
		path, destination->password, sizeof destination->password, &destination->exposed);
	if (wrong == NULL)
		return NULL;
	snprintf(why, FORWARD_WHY_MAX, "cannot read the password in %.256s: %s", path, wrong);
	return why;
}

static const char *
or_null(const char *text)
{
	return text[0] == '\0' ? NULL : text;
}

static void
add_options(struct destination *destination, const struct engine *engine)
{
	const struct engine_option *option;
	struct forward_target *target = &destination->target;
	for (size_t i = 0; (option = engine_option(engine, i)) != NULL; i++) {
		const char *value = engine_value(engine, i);
		char *copy = destination->values[i];
		if (value == NULL)
			continue;
		replace_node(value, destination->node, copy, sizeof destination->values[i]);
		destination->options[target->option_count++] = (struct forward_option){
			option->name, copy};
	}
}

const char *
destination_make(struct destination *destination, const struct engine *engine,
	const struct forward_tls *tls, const struct forward_auth *auth, char why[FORWARD_WHY_MAX])
{
	*destination = (struct destination){
		.target = {.node = destination->node,
			.hosts = destination->hosts,
			.host_count = engine->host_count,
			.options = destination->options,
			.tls = tls->on,
			.tls_ca = or_null(tls->ca),
			.tls_cert = or_null(tls->cert),
			.tls_key = or_null(tls->key),
			.user = or_null(auth->user)},
	};
	if (engine->node[0] != '\0')
		strlcpy(destination->node, engine->node, sizeof destination->node);
	else
		destination_own_node(destination->node);
	for (uint32_t i = 0; i < engine->host_count; i++)
		destination->hosts[i] = (struct forward_host){
			engine->hosts[i].host, engine->hosts[i].port};
	add_options(destination, engine);
	if (auth->user[0] == '\0')
		return NULL;
	destination->target.password = destination->password;
	return read_password(destination, auth->passfile, why);
}

void
destination_forget(struct destination *destination)
{
	explicit_bzero(destination->password, sizeof destination->password);
}
