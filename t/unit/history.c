/* SPDX-License-Identifier: ISC */
/* Ten minutes and no more, the oldest first. */
#include "monitor/history.h"

#include "unit/tap.h"

static struct history history;

static void
add_long(double received, int64_t passed_ms, int64_t wall_us)
{
	struct rates_row row = {.values = {[RATES_VERDICTS + VERDICT_RECEIVED] = received}};
	const struct rates rates = {.rows = &row, .count = 1};
	history_add(&history, &rates, passed_ms, wall_us);
}

static void
add(double received, int64_t wall_us)
{
	add_long(received, HISTORY_INTERVAL_S * 1000, wall_us);
}

/* The received ones of the document, and how many there are. */
static size_t
read_back(double points[static HISTORY_POINTS])
{
	struct json_object *object = history_document(&history), *lines, *received;
	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT_TRUE_FATAL(json_object_object_get_ex(object, "lines", &lines));
	CU_ASSERT_EQUAL(json_object_object_length(lines), VERDICTS);
	CU_ASSERT_TRUE_FATAL(json_object_object_get_ex(lines, "received", &received));
	size_t count = json_object_array_length(received);
	CU_ASSERT_FATAL(count <= HISTORY_POINTS);
	for (size_t i = 0; i < count; i++)
		points[i] = json_object_get_double(json_object_array_get_idx(received, i));
	json_object_put(object);
	return count;
}

static void
ring(void)
{
	double points[HISTORY_POINTS];
	CU_ASSERT_EQUAL(read_back(points), 0);
	add(0.25, 1);
	add(2, 2);
	CU_ASSERT_EQUAL(read_back(points), 2);
	CU_ASSERT_EQUAL(points[0], 0.25);
	CU_ASSERT_EQUAL(points[1], 2);
	for (int i = 0; i < 2 * HISTORY_POINTS + 5; i++)
		add(i, 10 + i);
	CU_ASSERT_EQUAL(read_back(points), HISTORY_POINTS);
	for (int i = 0; i < HISTORY_POINTS; i++)
		CU_ASSERT_EQUAL(points[i], HISTORY_POINTS + 5 + i);
	CU_ASSERT_EQUAL(history.newest_us, 10 + 2 * HISTORY_POINTS + 4);
}

static void
gap(void)
{
	double points[HISTORY_POINTS];
	history = (struct history){.count = 0};
	add_long(1, 10, 1);
	add_long(2, 2990, 2);
	add_long(3, 7100, 3);
	CU_ASSERT_EQUAL(read_back(points), 6);
	for (int i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(points[i], i < 1 ? 1 : i < 2 ? 2 : 3);
	add_long(4, INT64_MAX / 2, 4);
	CU_ASSERT_EQUAL(read_back(points), HISTORY_POINTS);
	CU_ASSERT_EQUAL(points[0], 4);
	CU_ASSERT_EQUAL(history.newest_us, 4);
}

static void
names(void)
{
	history = (struct history){.count = 0};
	struct json_object *object = history_document(&history);
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	CU_ASSERT_STRING_EQUAL(text,
		"{\"interval_seconds\":2,\"newest\":null,\"lines\":{\"received\":[],\"filtered\":[]"
		","
		"\"invalid\":[],\"not_object\":[],\"missing\":[],\"limited\":[],\"too_long\":[],"
		"\"unknown_level\":[],\"failed\":[]}}");
	json_object_put(object);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the last ones, oldest first", ring},
		{"as many points as time has passed", gap},
		{"names of the document", names},
		{NULL, NULL},
	};
	return tap_main("history", cases);
}
