/* SPDX-License-Identifier: ISC */
/*
 * What a Forward line says: to which engine stored records go, where it is, and what the driver is told.  One table
 * holds the schemes and their options.  Plain data, pointer-free.  Pure, thread-safe.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/endpoint.h"

enum {
	ENGINE_SCHEME_MAX = 8,
	ENGINE_HOSTS_MAX = 16,
	ENGINE_OPTIONS_MAX = 8,
	ENGINE_VALUE_MAX = 256,
	ENGINE_NODE_MAX = 128,
};

struct engine {
	char scheme[ENGINE_SCHEME_MAX]; /* "": there is none */
	uint32_t host_count;
	struct endpoint hosts[ENGINE_HOSTS_MAX];
	char node[ENGINE_NODE_MAX]; /* of node=; "": the host's name */
	/* In the order of engine_option(); "": not said. */
	char values[ENGINE_OPTIONS_MAX][ENGINE_VALUE_MAX];
};

struct engine_option {
	const char *name;          /* in lower case; NULL behind the last one */
	const char *default_value; /* NULL: there is none */
	const char *values;        /* "quorum|stream", or NULL: any */
	size_t name_max; /* it is a name, as a node's is, of so many bytes and not . or ..; 0: any text */
	bool required;
};

/*
 * Reads "kafka://a:9092,b topic=logs key=%{node}", or "off".  Returns NULL, or what is wrong and what would be right
 * (constant, or in `scratch`); *out is unchanged then.
 */
const char *engine_parse(struct slice text, struct engine *out, struct buf *scratch);

/* Appends the form that parses again.  0, or -1 with errno ENOMEM. */
int engine_print(const struct engine *engine, struct buf *out);

/* The option of that index, or NULL; its value: what was said, or the default, or NULL. */
const struct engine_option *engine_option(const struct engine *engine, size_t index);
const char *engine_value(const struct engine *engine, size_t index);

/* The Debian package that holds the driver of a scheme; NULL: there is no such scheme. */
const char *engine_package(const char *scheme);

/* Whether a text may be the name of a node: 1 to ENGINE_NODE_MAX - 1 letters, digits, '.', '_' or '-'. */
bool engine_is_node(const char *node);

#endif
