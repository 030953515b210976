/* SPDX-License-Identifier: ISC */
/* Positions that two processes share. */
#include "core/shipping.h"

#include <pthread.h>

#include "unit/tap.h"

static void
order(void)
{
	CU_ASSERT_TRUE(position_reaches((struct position){1, 2, 5}, (struct position){1, 2, 5}));
	CU_ASSERT_TRUE(position_reaches((struct position){1, 2, 0}, (struct position){1, 1, 900}));
	CU_ASSERT_FALSE(position_reaches((struct position){1, 2, 4}, (struct position){1, 2, 5}));
	CU_ASSERT_FALSE(position_reaches((struct position){1, 1, 900}, (struct position){1, 2, 0}));
	CU_ASSERT_FALSE(
		position_reaches((struct position){1, 0, 0}, (struct position){1, UINT64_MAX, 0}));
	CU_ASSERT_FALSE(position_reaches((struct position){2, 5, 0}, (struct position){1, 4, 0}));
}

static void
leave(void)
{
	struct shipping shipping = {0};
	struct position early = {1, 4, 100}, late = {1, 4, 300}, never = {1, 5, 10},
			next = {1, 6, 10};
	CU_ASSERT_EQUAL(shipping_fate(&shipping, early), SHIPPING_WAITS);
	shipping_confirm(&shipping, (struct position){1, 4, 200});
	CU_ASSERT_EQUAL(shipping_fate(&shipping, early), SHIPPING_CONFIRMED);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, late), SHIPPING_WAITS);
	shipping_leave(&shipping, (struct position){1, 4, 200});
	CU_ASSERT_EQUAL(shipping_fate(&shipping, late), SHIPPING_LOST);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, never), SHIPPING_WAITS);
	shipping_confirm(&shipping, next);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, early), SHIPPING_CONFIRMED);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, late), SHIPPING_LOST);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, next), SHIPPING_CONFIRMED);
	/* One that was passed over, as it was gone when its turn came. */
	CU_ASSERT_EQUAL(shipping_fate(&shipping, never), SHIPPING_LOST);
	/* Those that are told again and again push none out. */
	for (int i = 0; i < 2 * SHIPPING_LEFT; i++)
		shipping_leave(&shipping, (struct position){1, 6, 10});
	CU_ASSERT_EQUAL(shipping_fate(&shipping, early), SHIPPING_CONFIRMED);
	/* Another spool begins with what it has; what was left in this one is known still. */
	shipping_confirm(&shipping, (struct position){2, 4, 5});
	CU_ASSERT_EQUAL(shipping_fate(&shipping, early), SHIPPING_CONFIRMED);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, late), SHIPPING_LOST);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, (struct position){1, 7, 5}), SHIPPING_WAITS);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, (struct position){2, 4, 5}), SHIPPING_CONFIRMED);
	/* Nobody knows of one that was left long ago. */
	for (uint64_t n = 10; n < 10 + SHIPPING_LEFT; n++)
		shipping_leave(&shipping, (struct position){2, n, 10});
	shipping_confirm(&shipping, (struct position){2, 10 + SHIPPING_LEFT, 0});
	CU_ASSERT_EQUAL(shipping_fate(&shipping, (struct position){2, 4, 5}), SHIPPING_LOST);
	CU_ASSERT_EQUAL(shipping_fate(&shipping, (struct position){2, 10, 10}), SHIPPING_CONFIRMED);
}

enum { SEGMENTS = 20000 };

/* Segment n has n * 10 bytes. */
static void *
confirm_all(void *context)
{
	struct shipping *shipping = context;
	for (uint64_t n = 1; n <= SEGMENTS; n++) {
		shipping_confirm(shipping, (struct position){1, n, 0});
		shipping_confirm(shipping, (struct position){1, n, (int64_t)n * 10});
	}
	return NULL;
}

static void
never_ahead(void)
{
	static struct shipping shipping;
	pthread_t thread;
	struct position last = {0}, now = last;
	int wrong = 0;
	pthread_create(&thread, NULL, confirm_all, &shipping);
	while (now.segment < SEGMENTS) {
		now = shipping_confirmed(&shipping);
		wrong += now.offset > (int64_t)now.segment * 10 || now.segment < last.segment;
		last = now;
	}
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(wrong, 0);
}

static void
names(void)
{
	CU_ASSERT_STRING_EQUAL(shipping_state_name(SHIPPING_AWAY), "away");
	CU_ASSERT_STRING_EQUAL(shipping_state_name((enum shipping_state)77), "unknown");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"segments come before bytes", order},
		{"what is read was confirmed, or less", never_ahead},
		{"only what was seen in a segment that was left is confirmed", leave},
		{"states have names, others none", names},
		{NULL, NULL},
	};
	return tap_main("shipping", cases);
}
