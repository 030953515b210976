/* SPDX-License-Identifier: ISC */
/* A search tree of strings. */
#include "forward/seen.h"

#include <search.h>

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
seen_add(struct seen *seen, const char *id)
{
	if (tfind(id, &seen->tree, compare) != NULL)
		return 0;
	char *copy = strdup(id);
	if (copy != NULL && tsearch(copy, &seen->tree, compare) != NULL)
		return 1;
	free(copy);
	return -1;
}

void
seen_fini(struct seen *seen)
{
	tdestroy(seen->tree, free);
	seen->tree = NULL;
}
