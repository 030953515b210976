/* SPDX-License-Identifier: ISC */
/*
 * Inputs in heap blocks of exactly their size, so that the address sanitizer sees a
 * read of one byte too many, before or behind.
 */
#ifndef T_UNIT_EXACT_H
#define T_UNIT_EXACT_H

#include <stdlib.h>

#include "base/slice.h"

/* A copy; free with exact_free(). */
static inline struct slice
exact_copy(struct slice bytes)
{
	char *data = malloc(bytes.len);
	if (data == NULL && bytes.len > 0)
		abort();
	if (bytes.len > 0)
		memcpy(data, bytes.data, bytes.len);
	return (struct slice){data, bytes.len};
}

static inline void
exact_free(struct slice copy)
{
	free((void *)copy.data);
}

#endif
