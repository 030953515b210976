/* SPDX-License-Identifier: ISC */
/*
 * The nearest known name: the edit distance of Damerau and Levenshtein in its restricted form (insert, delete, replace, swap of
 * neighbours), letters in any case.
 */
#include "settings/directive.h"

#include <ctype.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 48,  /* longer names are near to none */
	LETTERS_FOR_EDIT = 3, /* one edit is forgiven for so many letters */
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both are at most NAME_MAX_BYTES long. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_BYTES + 1];
	size_t *above2 = rows[0], *above = rows[1], *row = rows[2];
	size_t b_len = strlen(b);
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t *spare = above2;
		above2 = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t replaced = above[j - 1] + !same(a[i - 1], b[j - 1]);
			row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return row[b_len];
}

const char *
directive_suggest(const char *name)
{
	size_t len = strlen(name);
	size_t best = len / LETTERS_FOR_EDIT + 1;
	const char *nearest = NULL;
	if (len > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < directives_count; i++) {
		size_t edits = distance(name, directives[i].name);
		if (edits < best) {
			best = edits;
			nearest = directives[i].name;
		}
	}
	return nearest;
}
