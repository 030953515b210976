/* SPDX-License-Identifier: ISC */
/* Lists of members' names. */
#include "core/fields.h"

#include "core/quoted.h"

const struct fields fields_standard = {0};

struct slice
field_list_name(const struct field_list *list, struct slice standard, size_t n)
{
	if (list->count == 0 && n == 0)
		return standard;
	if (n >= (size_t)list->count)
		return (struct slice)SLICE("");
	return (struct slice){list->names[n], list->len[n]};
}

unsigned
field_list_find(const struct field_list *list, struct slice standard, struct slice name)
{
	if (list->count == 0)
		return slice_equal(name, standard) ? 0 : FIELD_NAMES_MAX;
	/* Most members of a record are none of them, and have other lengths. */
	if (name.len > FIELD_NAME_BYTES_MAX || (list->lengths >> name.len & 1) == 0)
		return FIELD_NAMES_MAX;
	for (unsigned i = 0; i < (unsigned)list->count; i++) {
		if (list->len[i] == name.len && memcmp(list->names[i], name.data, name.len) == 0)
			return i;
	}
	return FIELD_NAMES_MAX;
}

/* A record's text is UTF-8, so no other name can be in it. */
static bool
is_text(struct slice name)
{
	unsigned char copy[FIELD_NAME_BYTES_MAX + 1];
	unsigned traits = 0;
	for (size_t i = 0; i < name.len; i++)
		copy[i] = name.data[i] == '"' || name.data[i] == '\\' ? 'x'
		                                                      : (unsigned char)name.data[i];
	copy[name.len] = '"';
	const unsigned char *end = copy + name.len + 1;
	return quoted_skip(copy, (struct span){copy, end}, &traits) == end && traits == 0;
}

static const char *
add_name(struct field_list *list, struct slice name)
{
	if (name.len > FIELD_NAME_BYTES_MAX)
		return "longer than 63 bytes, give a shorter name";
	if (!is_text(name))
		return "a name must be UTF-8 without control characters";
	if (field_list_find(list, name, name) < (unsigned)list->count)
		return "stands twice, remove one of them";
	if (list->count == FIELD_NAMES_MAX)
		return "8 names are the most";
	memcpy(list->names[list->count], name.data, name.len);
	list->len[list->count++] = (uint8_t)name.len;
	list->lengths |= UINT64_C(1) << name.len;
	return NULL;
}

const char *
field_list_parse(
	struct slice text, struct slice standard, struct field_list *out, struct slice *word)
{
	struct field_list list = {0};
	const char *wrong = NULL;
	while (wrong == NULL && slice_next_word(&text, word))
		wrong = add_name(&list, *word);
	if (wrong == NULL && list.count == 0)
		wrong = "a name is missing, write one as in severity";
	if (wrong != NULL)
		return wrong;
	if (list.count == 1 && field_list_find(&list, standard, standard) == 0)
		memset(&list, 0, sizeof list);
	memcpy(out, &list, sizeof list);
	return NULL;
}
