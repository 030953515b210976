/* SPDX-License-Identifier: ISC */
/* The type of LevelField and MessageField: names of members, of which the first one that a record has counts. */
#include "base/reason.h"
#include "core/fields.h"
#include "settings/mistake.h"
#include "settings/value.h"

const char *
value_set_names(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	struct field_list *list = (void *)((char *)settings + directive->offset);
	struct slice word;
	const char *wrong = field_list_parse(
		slice_of(text), slice_of(directive->default_value), list, &word);
	if (wrong == NULL)
		return NULL;
	return reason_format(
		scratch, "'%.*s': %s", (int)(word.len < 64 ? word.len : 64), word.data, wrong);
}

int
value_print_names(const struct directive *directive, const struct settings *settings, size_t index,
	struct buf *out)
{
	const struct field_list *list = (const void *)((const char *)settings + directive->offset);
	struct slice standard = slice_of(directive->default_value), name;
	int failed = 0;
	if (index > 0)
		return 0;
	for (size_t i = 0; (name = field_list_name(list, standard, i)).len > 0; i++) {
		failed |= i > 0 ? buf_printf(out, " ") : 0;
		failed |= value_print_word(name.data, out);
	}
	return failed == 0 ? 1 : -1;
}
