/* SPDX-License-Identifier: ISC */
/* The AMQP driver: a copy of where to go, for a thread that may outlive whoever began it. */
#include <stdlib.h>

#include "drivers/amqp.h"

/* The target is first in it: who frees that frees all. */
struct copy {
	struct forward_target target;
	bool failed;
};

static char *
duplicate(struct copy *copy, const char *text)
{
	char *own = text == NULL ? NULL : strdup(text);
	copy->failed |= text != NULL && own == NULL;
	return own;
}

static struct forward_host *
copy_hosts(struct copy *copy, const struct forward_target *from)
{
	struct forward_host *hosts = calloc(from->host_count + 1, sizeof *hosts);
	copy->failed |= hosts == NULL;
	for (size_t i = 0; hosts != NULL && i < from->host_count; i++)
		hosts[i] = (struct forward_host){
			duplicate(copy, from->hosts[i].host), from->hosts[i].port};
	return hosts;
}

static struct forward_option *
copy_options(struct copy *copy, const struct forward_target *from)
{
	struct forward_option *options = calloc(from->option_count + 1, sizeof *options);
	copy->failed |= options == NULL;
	for (size_t i = 0; options != NULL && i < from->option_count; i++)
		options[i] = (struct forward_option){duplicate(copy, from->options[i].name),
			duplicate(copy, from->options[i].value)};
	return options;
}

struct forward_target *
amqp_target_copy(const struct forward_target *from)
{
	struct copy *copy = calloc(1, sizeof *copy);
	if (copy == NULL)
		return NULL;
	copy->target = (struct forward_target){
		.node = duplicate(copy, from->node),
		.hosts = copy_hosts(copy, from),
		.host_count = from->host_count,
		.options = copy_options(copy, from),
		.option_count = from->option_count,
		.tls = from->tls,
		.tls_ca = duplicate(copy, from->tls_ca),
		.tls_cert = duplicate(copy, from->tls_cert),
		.tls_key = duplicate(copy, from->tls_key),
		.user = duplicate(copy, from->user),
		.password = duplicate(copy, from->password),
	};
	if (!copy->failed)
		return &copy->target;
	amqp_target_free(&copy->target);
	return NULL;
}

static void
drop(const void *own)
{
	free((void *)(uintptr_t)own);
}

void
amqp_target_free(struct forward_target *target)
{
	char *password = (char *)(uintptr_t)target->password;
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	for (size_t i = 0; target->hosts != NULL && i < target->host_count; i++)
		drop(target->hosts[i].host);
	for (size_t i = 0; target->options != NULL && i < target->option_count; i++) {
		drop(target->options[i].name);
		drop(target->options[i].value);
	}
	const void *rest[] = {target->node, target->hosts, target->options, target->tls_ca,
		target->tls_cert, target->tls_key, target->user, target->password, target};
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
		drop(rest[i]);
}
