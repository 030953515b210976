/* SPDX-License-Identifier: ISC */
/*
 * A slice is a stretch of bytes that somebody else owns.  It is passed by
 * value, is never freed, holds any byte (NUL included) and lives no longer
 * than what it points into.  All functions are pure and thread-safe.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *data;
	size_t len;
};

/* A slice of a string literal, also usable in a static initializer. */
#define SLICE(literal)                                                                             \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static inline struct slice
slice_of(const char *string)
{
	return (struct slice){string, strlen(string)};
}

/* ASCII white space as the wire defines it: space, \t \n \v \f \r; no locale. */
static inline bool
slice_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The slice without the ASCII white space at both ends; may be empty. */
static inline struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && slice_is_space(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && slice_is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts the next word off *words, with the white space around it; false when there is none left. */
static inline bool
slice_next_word(struct slice *words, struct slice *word)
{
	*words = slice_trim(*words);
	word->data = words->data;
	for (word->len = 0; word->len < words->len && !slice_is_space(word->data[word->len]);)
		word->len++;
	words->data += word->len;
	words->len -= word->len;
	return word->len > 0;
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whether both are the same when ASCII case is ignored. */
static inline bool
slice_equal_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

#endif
