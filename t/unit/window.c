/* SPDX-License-Identifier: ISC */
/* One client's window: its boundaries, and whole batches against a reference that counts line by line. */
#include "core/window.h"

#include <stdbool.h>

#include "unit/tap.h"

enum { LENGTH_MS = 60000, MAX = 100 };

/* The promise in its plainest form, for clocks and lengths that cannot overflow. */
struct reference {
	bool begun;
	int64_t start_ms, passed;
};

static bool
passes(struct reference *reference, int64_t now_ms, int64_t length_ms, int64_t max)
{
	if (!reference->begun || now_ms - reference->start_ms >= length_ms)
		*reference = (struct reference){.begun = true, .start_ms = now_ms};
	if (reference->passed >= max)
		return false;
	reference->passed++;
	return true;
}

/* Numbers that are the same in every run. */
static int64_t
below(uint64_t *state, int64_t bound)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((*state >> 33) % (uint64_t)bound);
}

static void
random_sequences(void)
{
	uint64_t random = 1;
	for (int sequence = 0; sequence < 2000; sequence++) {
		struct window window = {0};
		struct reference reference = {0};
		int64_t now_ms = below(&random, 1000);
		for (int batch = 0; batch < 50; batch++) {
			int64_t length_ms = 1 + below(&random, 40), max = 1 + below(&random, 30);
			int64_t lines = below(&random, 50), expected = 0;
			now_ms += below(&random, 30) -
			          3; /* delayed threads ask with an older time */
			for (int64_t i = 0; i < lines; i++)
				expected += passes(&reference, now_ms, length_ms, max);
			CU_ASSERT_EQUAL(
				window_take(&window, now_ms, length_ms, max, lines), expected);
		}
	}
}

static void
boundaries(void)
{
	struct window window = {0};
	CU_ASSERT(window_ended(&window, 5, LENGTH_MS));
	CU_ASSERT_EQUAL(window_take(&window, 1000, LENGTH_MS, MAX, MAX + 7), MAX);
	CU_ASSERT_EQUAL(window_take(&window, 1000, LENGTH_MS, MAX, 1), 0);
	CU_ASSERT_EQUAL(window_take(&window, 1000 + LENGTH_MS - 1, LENGTH_MS, MAX, 1), 0);
	CU_ASSERT(!window_ended(&window, 1000 + LENGTH_MS - 1, LENGTH_MS));
	CU_ASSERT(window_ended(&window, 1000 + LENGTH_MS, LENGTH_MS));
	CU_ASSERT_EQUAL(window_take(&window, 1000 + LENGTH_MS, LENGTH_MS, MAX, MAX + 1), MAX);
	CU_ASSERT_EQUAL(window.start_ms, 1000 + LENGTH_MS);
}

/* The next window begins with a line, not on a grid. */
static void
begins_with_a_line(void)
{
	struct window window = {0};
	CU_ASSERT_EQUAL(window_take(&window, 1000, LENGTH_MS, MAX, MAX), MAX);
	CU_ASSERT_EQUAL(window_take(&window, 1500 + LENGTH_MS, LENGTH_MS, MAX, MAX), MAX);
	CU_ASSERT_EQUAL(window_take(&window, 1499 + 2 * LENGTH_MS, LENGTH_MS, MAX, 1), 0);
	CU_ASSERT_EQUAL(window_take(&window, 1500 + 2 * LENGTH_MS, LENGTH_MS, MAX, 1), 1);
}

static void
max_changes(void)
{
	struct window window = {0};
	CU_ASSERT_EQUAL(window_take(&window, 0, LENGTH_MS, 10, 10), 10);
	CU_ASSERT_EQUAL(window_take(&window, 1, LENGTH_MS, 15, 10), 5);
	CU_ASSERT_EQUAL(window_take(&window, 2, LENGTH_MS, 3, 10), 0);
	CU_ASSERT_EQUAL(window_take(&window, 3, LENGTH_MS, 16, 10), 1);
	CU_ASSERT_EQUAL(window_take(&window, LENGTH_MS, LENGTH_MS, 3, 10), 3);
	CU_ASSERT_EQUAL(window_take(&window, LENGTH_MS, LENGTH_MS, 0, 10), 0);
	CU_ASSERT_EQUAL(window_take(&window, LENGTH_MS, LENGTH_MS, 4, 10), 1);
}

static void
length_changes(void)
{
	struct window window = {0};
	CU_ASSERT_EQUAL(window_take(&window, 0, LENGTH_MS, 10, 10), 10);
	CU_ASSERT_EQUAL(window_take(&window, 1000, 1001, 10, 1), 0);
	CU_ASSERT_EQUAL(window_take(&window, 1000, 1000, 10, 4), 4);
	CU_ASSERT_EQUAL(window_take(&window, 2500, LENGTH_MS, 10, 10), 6);
	CU_ASSERT_EQUAL(window_take(&window, 999 + LENGTH_MS, LENGTH_MS, 10, 1), 0);
	CU_ASSERT_EQUAL(window_take(&window, 1000 + LENGTH_MS, LENGTH_MS, 10, 1), 1);
}

static void
extremes(void)
{
	struct window window = {0};
	CU_ASSERT_EQUAL(window_take(&window, INT64_MIN, LENGTH_MS, MAX, MAX), MAX);
	CU_ASSERT(window_ended(&window, INT64_MAX, INT64_MAX));
	CU_ASSERT_EQUAL(window_take(&window, INT64_MAX, LENGTH_MS, MAX, MAX), MAX);
	CU_ASSERT(!window_ended(&window, INT64_MIN, 1));
	CU_ASSERT_EQUAL(window_take(&window, INT64_MAX, INT64_MAX, MAX, 1), 0);
	CU_ASSERT_EQUAL(
		window_take(&window, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX), INT64_MAX - MAX);
	CU_ASSERT_EQUAL(window_take(&window, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX), 0);
	CU_ASSERT_EQUAL(window_take(&window, INT64_MAX, 1, INT64_MIN, INT64_MAX), 0);
	CU_ASSERT_EQUAL(window_take(&window, INT64_MAX, 1, MAX, INT64_MIN), 0);
}

static void
independent(void)
{
	struct window a = {0}, b = {0};
	CU_ASSERT_EQUAL(window_take(&a, 0, LENGTH_MS, 5, 9), 5);
	CU_ASSERT_EQUAL(window_take(&b, 10, LENGTH_MS, 5, 3), 3);
	CU_ASSERT_EQUAL(window_take(&a, LENGTH_MS, LENGTH_MS, 5, 9), 5);
	CU_ASSERT_EQUAL(window_take(&b, LENGTH_MS, LENGTH_MS, 5, 9), 2);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a batch has the outcome of its lines one by one", random_sequences},
		{"just before the end, and exactly at it", boundaries},
		{"the next window begins with a line", begins_with_a_line},
		{"the maximum raised and lowered in between", max_changes},
		{"the length changed in between", length_changes},
		{"clocks and numbers at their ends do not overflow", extremes},
		{"two windows know nothing of each other", independent},
		{NULL, NULL},
	};
	return tap_main("window", cases);
}
