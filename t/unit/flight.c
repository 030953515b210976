/* SPDX-License-Identifier: ISC */
/* What is sent, what is owed, what has to be sent again. */
#include "send/flight.h"

#include "unit/tap.h"

static bool
unsent_is(const struct flight *flight, const char *expected)
{
	return slice_equal(flight_unsent(flight), slice_of(expected));
}

static bool
oldest_is(const struct flight *flight, const char *expected)
{
	return slice_equal(flight_oldest(flight), slice_of(expected));
}

static void
in_order(void)
{
	struct flight flight;
	CU_ASSERT_EQUAL(flight_init(&flight, 2), 0);
	CU_ASSERT_TRUE(unsent_is(&flight, ""));
	CU_ASSERT_FALSE(flight_answered(&flight));
	CU_ASSERT_EQUAL(flight_push(&flight, slice_of("one")), 0);
	CU_ASSERT_TRUE(flight_has_room(&flight));
	CU_ASSERT_EQUAL(flight_push(&flight, slice_of("two")), 0);
	CU_ASSERT_FALSE(flight_has_room(&flight));
	CU_ASSERT_TRUE(unsent_is(&flight, "one\ntwo\n"));
	CU_ASSERT_FALSE(flight_answered(&flight)); /* nobody was asked */
	flight_advance(&flight, 3);
	CU_ASSERT_FALSE(flight_is_oldest_sent(&flight));
	flight_advance(&flight, 1);
	CU_ASSERT_TRUE(flight_is_oldest_sent(&flight));
	CU_ASSERT_TRUE(oldest_is(&flight, "one"));
	CU_ASSERT_TRUE(flight_answered(&flight));
	CU_ASSERT_TRUE(oldest_is(&flight, "two"));
	CU_ASSERT_FALSE(flight_answered(&flight)); /* not a byte of it was sent */
	CU_ASSERT_FALSE(flight_is_oldest_sent(&flight));
	CU_ASSERT_TRUE(flight_has_room(&flight));
	CU_ASSERT_EQUAL(flight_push(&flight, slice_of("three")), 0);
	CU_ASSERT_TRUE(unsent_is(&flight, "two\nthree\n"));
	flight_fini(&flight);
}

static void
again(void)
{
	struct flight flight;
	CU_ASSERT_EQUAL(flight_init(&flight, 8), 0);
	flight_push(&flight, slice_of("one"));
	flight_push(&flight, slice_of("two"));
	flight_push(&flight, slice_of("three"));
	flight_advance(&flight, 10);
	CU_ASSERT_TRUE(flight_answered(&flight));
	flight_rewind(&flight);
	CU_ASSERT_TRUE(unsent_is(&flight, "two\nthree\n"));
	CU_ASSERT_FALSE(flight_answered(&flight));
	flight_fini(&flight);
}

static void
early_answer(void)
{
	struct flight flight;
	CU_ASSERT_EQUAL(flight_init(&flight, 8), 0);
	flight_push(&flight, slice_of("far too long"));
	flight_push(&flight, slice_of("next"));
	flight_advance(&flight, 3);
	CU_ASSERT_TRUE(flight_answered(&flight));
	CU_ASSERT_TRUE(unsent_is(&flight, " too long\nnext\n")); /* stay in step */
	CU_ASSERT_FALSE(flight_answered(&flight));
	flight_advance(&flight, 2);
	flight_push(&flight, slice_of("last"));
	CU_ASSERT_TRUE(unsent_is(&flight, "oo long\nnext\nlast\n"));
	flight_rewind(&flight);
	CU_ASSERT_TRUE(unsent_is(&flight, "next\nlast\n")); /* never again */
	flight_fini(&flight);
}

/* However many lines pass, the memory stays that of a window; every byte comes out in order. */
static void
bounded(void)
{
	enum { LINES = 100000, WINDOW = 7 };
	struct flight flight;
	char line[32];
	int asked = 0, answered = 0, wrong = 0;
	CU_ASSERT_EQUAL(flight_init(&flight, WINDOW), 0);
	while (answered < LINES) {
		for (; asked < LINES && flight_has_room(&flight); asked++) {
			snprintf(line, sizeof line, "line %d", asked);
			flight_push(&flight, slice_of(line));
		}
		flight_advance(&flight, flight_unsent(&flight).len);
		for (int i = 0; i <= answered % WINDOW && answered < asked; i++, answered++) {
			snprintf(line, sizeof line, "line %d", answered);
			wrong += !oldest_is(&flight, line);
			wrong += !flight_answered(&flight);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(flight.bytes.cap <= 1024);
	flight_fini(&flight);
}

static void
bounded_bytes(void)
{
	struct flight flight;
	char *big = malloc(FLIGHT_BYTES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, 'x', FLIGHT_BYTES);
	CU_ASSERT_EQUAL(flight_init(&flight, 512), 0);
	CU_ASSERT_EQUAL(flight_push(&flight, (struct slice){big, FLIGHT_BYTES}), 0);
	CU_ASSERT_FALSE(flight_has_room(&flight));
	flight_advance(&flight, FLIGHT_BYTES + 1);
	CU_ASSERT_FALSE(flight_has_room(&flight));
	CU_ASSERT_TRUE(flight_answered(&flight));
	CU_ASSERT_TRUE(flight_has_room(&flight));
	flight_fini(&flight);
	free(big);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"lines are sent and answered in order, up to the window", in_order},
		{"after a loss all that is unanswered is sent again", again},
		{"an answer that comes before the line's end", early_answer},
		{"memory is that of a window", bounded},
		{"a few large lines fill it too, and one always fits", bounded_bytes},
		{NULL, NULL},
	};
	return tap_main("flight", cases);
}
