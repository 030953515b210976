/* SPDX-License-Identifier: ISC */
/* Positions that two processes share. */
#include "core/shipping.h"

#include <pthread.h>

#include "unit/tap.h"

static void
order(void)
{
	CU_ASSERT_TRUE(position_reaches((struct position){2, 5}, (struct position){2, 5}));
	CU_ASSERT_TRUE(position_reaches((struct position){2, 0}, (struct position){1, 900}));
	CU_ASSERT_FALSE(position_reaches((struct position){2, 4}, (struct position){2, 5}));
	CU_ASSERT_FALSE(position_reaches((struct position){1, 900}, (struct position){2, 0}));
	CU_ASSERT_FALSE(
		position_reaches((struct position){0, 0}, (struct position){UINT64_MAX, 0}));
}

enum { SEGMENTS = 20000 };

/* Segment n has n * 10 bytes. */
static void *
confirm_all(void *context)
{
	struct shipping *shipping = context;
	for (uint64_t n = 1; n <= SEGMENTS; n++) {
		shipping_confirm(shipping, (struct position){n, 0});
		shipping_confirm(shipping, (struct position){n, (int64_t)n * 10});
	}
	return NULL;
}

static void
never_ahead(void)
{
	static struct shipping shipping;
	pthread_t thread;
	struct position last = {0, 0}, now = last;
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
		{"states have names, others none", names},
		{NULL, NULL},
	};
	return tap_main("shipping", cases);
}
