/* SPDX-License-Identifier: ISC */
/* Keeps the last ten minutes. */
#include "monitor/history.h"

#include "figures/document.h"

static void
add_point(struct history *history, const struct rates *rates)
{
	const struct rates_row *total = &rates->rows[0];
	for (size_t i = 0; i < VERDICTS; i++)
		history->rates[i][history->next] = total->values[RATES_VERDICTS + i];
	history->next = (history->next + 1) % HISTORY_POINTS;
	history->count += history->count < HISTORY_POINTS;
}

void
history_add(struct history *history, const struct rates *rates, int64_t passed_ms, int64_t wall_us)
{
	enum { POINT_MS = HISTORY_INTERVAL_S * 1000 };
	int64_t points = (passed_ms + POINT_MS / 2) / POINT_MS;
	for (int64_t i = 0; i < HISTORY_POINTS && (i == 0 || i < points); i++)
		add_point(history, rates);
	history->newest_us = wall_us;
}

static struct json_object *
points(const struct history *history, size_t verdict)
{
	struct json_object *array = json_object_new_array();
	size_t first = history->next + HISTORY_POINTS - history->count;
	for (size_t i = 0; array != NULL && i < history->count; i++)
		json_object_array_add(array,
			document_rate(history->rates[verdict][(first + i) % HISTORY_POINTS]));
	return array;
}

struct json_object *
history_document(const struct history *history)
{
	struct json_object *object = json_object_new_object(), *lines = json_object_new_object();
	if (object == NULL)
		return NULL;
	for (size_t i = 0; lines != NULL && i < VERDICTS; i++)
		document_add(lines, verdict_name((enum verdict)i), points(history, i));
	document_add(object, "interval_seconds", json_object_new_int(HISTORY_INTERVAL_S));
	document_add_time(object, "newest", history->newest_us);
	document_add(object, "lines", lines);
	return object;
}
