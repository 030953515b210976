/* SPDX-License-Identifier: ISC */
/* The memory of a batch. */
#include "core/batch.h"

#include <stdlib.h>

enum { FIRST_LINES = 16 };

void
batch_fini(struct batch *batch)
{
	free(batch->lines);
	buf_fini(&batch->records);
	buf_fini(&batch->replies);
	decoder_fini(&batch->decoder);
	*batch = (struct batch){.lines = NULL};
}

size_t
batch_memory(const struct batch *batch)
{
	return batch->lines_cap * sizeof *batch->lines + batch->records.cap + batch->replies.cap +
	       decoder_memory(&batch->decoder);
}

void
batch_clear(struct batch *batch)
{
	batch->count = 0;
	buf_clear(&batch->records);
	buf_clear(&batch->replies);
}

static int
grow(struct batch *batch)
{
	size_t cap = batch->lines_cap > 0 ? batch->lines_cap * 2 : FIRST_LINES;
	struct batch_line *lines = reallocarray(batch->lines, cap, sizeof *lines);
	if (lines == NULL)
		return -1;
	batch->lines = lines;
	batch->lines_cap = cap;
	return 0;
}

struct batch_line *
batch_next(struct batch *batch)
{
	if (batch->count == batch->lines_cap && grow(batch) < 0)
		return NULL;
	return &batch->lines[batch->count];
}
