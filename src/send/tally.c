/* SPDX-License-Identifier: ISC */
/* Counts verdicts and tells them in one line. */
#include "send/tally.h"

#include <assert.h>
#include <inttypes.h>

void
tally_add(struct tally *tally, const struct answer *answer)
{
	assert(answer->kind < ANSWER_KINDS);
	tally->kinds[answer->kind]++;
	tally->answers++;
	tally->accepted += answer->accepted;
}

static int
print_count(struct buf *out, const char **separator, uint64_t count, const char *name)
{
	if (count == 0)
		return 0;
	int result = buf_printf(out, "%s%" PRIu64 " %s", *separator, count, name);
	*separator = ", ";
	return result;
}

int
tally_print(const struct tally *tally, uint64_t unanswered, struct buf *out)
{
	uint64_t records = tally->answers + unanswered;
	const char *separator = ": ";
	int result = buf_printf(out, "%" PRIu64 " record%s", records, records == 1 ? "" : "s");
	for (unsigned kind = 0; kind < ANSWER_KINDS; kind++)
		result |= print_count(out, &separator, tally->kinds[kind], answer_name(kind));
	result |= print_count(out, &separator, unanswered, "unanswered");
	return result | buf_append(out, (struct slice)SLICE("\n"));
}
