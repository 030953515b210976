/* SPDX-License-Identifier: ISC */
/*
 * The names of the members that hold a record's level and message: for either a list, of which the first name that
 * a record has counts.  Plain data, pointer-free, the same bytes for the same names; what is zeroed is
 * the standard, `level` and `message`.  Pure, thread-safe.
 */
#ifndef CORE_FIELDS_H
#define CORE_FIELDS_H

#include <stdint.h>

#include "base/slice.h"

enum {
	FIELD_NAMES_MAX = 8,
	FIELD_NAME_BYTES_MAX = 63,
};

struct field_list {
	uint64_t lengths; /* bit n: there is a name of n bytes */
	int64_t count;    /* 0: the standard name alone */
	uint8_t len[FIELD_NAMES_MAX];
	char names[FIELD_NAMES_MAX][FIELD_NAME_BYTES_MAX + 1];
};

struct fields {
	struct field_list level, message;
};

/* All zero. */
extern const struct fields fields_standard;

static inline bool
fields_are_standard(const struct fields *fields)
{
	return (fields->level.count | fields->message.count) == 0;
}

/* The nth name of a list; `standard` is the name that an empty one has.  Empty where there are no more. */
struct slice field_list_name(const struct field_list *list, struct slice standard, size_t n);

/* The place of a decoded name in the list, FIELD_NAMES_MAX where it is not there. */
unsigned field_list_find(const struct field_list *list, struct slice standard, struct slice name);

/*
 * Reads names with white space between them.  Returns NULL, or what is wrong and what would be right (a constant
 * string), and the word that it is said of in *word; *out is unchanged then.
 */
const char *field_list_parse(
	struct slice text, struct slice standard, struct field_list *out, struct slice *word);

#endif
