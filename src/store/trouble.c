/* SPDX-License-Identifier: ISC */
/* Decides what is worth a line in the daemon's own log. */
#include "store/trouble.h"

static bool
may_tell(struct trouble *trouble, int64_t now_ms)
{
	if (trouble->window_lines == 0 || now_ms - trouble->window_ms >= TROUBLE_REPEAT_MS) {
		trouble->window_ms = now_ms;
		trouble->window_lines = 0;
	}
	if (trouble->window_lines == TROUBLE_LINES_MAX)
		return false;
	trouble->window_lines++;
	return true;
}

bool
trouble_failed(struct trouble *trouble, int64_t now_ms)
{
	if (trouble->told && now_ms - trouble->told_ms < TROUBLE_REPEAT_MS)
		return false;
	if (!may_tell(trouble, now_ms))
		return false;
	trouble->told = true;
	trouble->told_ms = now_ms;
	return true;
}

bool
trouble_over(struct trouble *trouble, int64_t now_ms)
{
	/* An end that could not be told is told later: told stays true until then. */
	if (!trouble->told || !may_tell(trouble, now_ms))
		return false;
	trouble->told = false;
	return true;
}
