/* SPDX-License-Identifier: ISC */
/* The directives of the forwarder: how their values are checked, stored and written again; and what follows from them. */
#ifndef SETTINGS_FORWARDING_H
#define SETTINGS_FORWARDING_H

#include "settings/directive.h"

directive_set value_set_forward; /* an engine; its module must be there */
directive_set value_set_forward_tls;
directive_set value_set_forward_auth;
directive_set value_set_forward_batch;
directive_set value_set_forward_spool_max;
directive_set value_set_ack_when;

directive_print value_print_forward;
directive_print value_print_forward_tls;
directive_print value_print_forward_auth;
directive_print value_print_forward_batch;
directive_print value_print_forward_spool_max;
directive_print value_print_ack_when;

/*
 * The folder that records to be forwarded are linked into, in `room` where it has to be made up; NULL: nothing is forwarded.
 */
enum { FORWARDING_SPOOL_BYTES = SETTINGS_PATH_MAX + 8 };
const char *forwarding_spool(
	const struct settings *settings, char room[static FORWARDING_SPOOL_BYTES]);

/* What of them cannot be together with others, or NULL: *directive names whose mistake it is. */
const char *forwarding_check(const struct settings *settings, const char **directive);

#endif
