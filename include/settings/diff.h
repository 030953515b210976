/* SPDX-License-Identifier: ISC */
/* What a reload changes: two settings compared by the table, directive by directive.  Pure. */
#ifndef SETTINGS_DIFF_H
#define SETTINGS_DIFF_H

#include <stddef.h>

#include "base/buf.h"
#include "settings/directive.h"

/*
 * Counts the directives of a scope whose values differ, and appends their names to `names`, separated
 * by ", ".  -1 with errno ENOMEM.
 */
int settings_diff(const struct settings *old, const struct settings *new,
	enum directive_scope scope, struct buf *names);

/* Gives `settings` the values that `old` has for all directives of a scope; Listen is never SCOPE_RESTART. */
void settings_keep(
	struct settings *settings, const struct settings *old, enum directive_scope scope);

#endif
