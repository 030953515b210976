/* SPDX-License-Identifier: ISC */
/* Compares settings as they are printed, so that what prints alike is alike. */
#include "settings/diff.h"

#include <assert.h>

/* All values of one directive, a line each. */
static int
print_all(const struct directive *directive, const struct settings *settings, struct buf *out)
{
	int printed = 1;
	for (size_t i = 0; printed == 1; i++) {
		printed = directive->print(directive, settings, i, out);
		if (printed == 1 && buf_append(out, (struct slice)SLICE("\n")) < 0)
			return -1;
	}
	return printed;
}

static int
differs(const struct directive *directive, const struct settings *a, const struct settings *b)
{
	struct buf texts[2] = {0};
	int result = -1;
	if (print_all(directive, a, &texts[0]) == 0 && print_all(directive, b, &texts[1]) == 0)
		result = !slice_equal(buf_slice(&texts[0]), buf_slice(&texts[1]));
	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
	return result;
}

int
settings_diff(const struct settings *old, const struct settings *new, enum directive_scope scope,
	struct buf *names)
{
	int count = 0;
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->print == NULL || directive->scope != scope)
			continue;
		int different = differs(directive, old, new);
		if (different < 0)
			return -1;
		if (!different)
			continue;
		if (buf_printf(names, "%s%s", count > 0 ? ", " : "", directive->name) < 0)
			return -1;
		count++;
	}
	return count;
}

void
settings_keep(struct settings *settings, const struct settings *old, enum directive_scope scope)
{
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->print == NULL || directive->scope != scope)
			continue;
		assert(directive->size > 0);
		memcpy((char *)settings + directive->offset, (const char *)old + directive->offset,
			directive->size);
	}
}
