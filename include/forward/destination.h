/* SPDX-License-Identifier: ISC */
/* What a driver is told, made from the settings.  Holds a password: not to be shown, and wiped at the end. */
#ifndef FORWARD_DESTINATION_H
#define FORWARD_DESTINATION_H

#include "forward/driver.h"
#include "settings/settings.h"

enum { DESTINATION_PASSWORD_MAX = 1024 };

struct destination {
	struct forward_target target; /* points into this struct and the settings */
	struct forward_host hosts[ENGINE_HOSTS_MAX];
	struct forward_option options[ENGINE_OPTIONS_MAX];
	char node[ENGINE_NODE_MAX];
	char values[ENGINE_OPTIONS_MAX][2 * ENGINE_VALUE_MAX]; /* with %{node} replaced */
	char password[DESTINATION_PASSWORD_MAX];
	bool exposed; /* everybody can read the file it came from */
};

/*
 * Of these settings, which must stay.  NULL, or what is wrong, in `why`: the password's file cannot be read.
 */
const char *destination_make(struct destination *destination, const struct engine *engine,
	const struct forward_tls *tls, const struct forward_auth *auth, char why[FORWARD_WHY_MAX]);

/* Wipes the password. */
void destination_forget(struct destination *destination);

/* The name of this machine, with what a node cannot be called by replaced. */
const char *destination_own_node(char node[static ENGINE_NODE_MAX]);

#endif
