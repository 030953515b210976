/* SPDX-License-Identifier: ISC */
/* Who is listed: those that are wanted, the most limited first, and not more than are wanted. */
#include "figures/addresses.h"

#include "base/clock.h"
#include "unit/tap.h"

enum { CLIENTS = 200, MOST = 7 };

static struct shared shared;

static struct address
address_of(uint8_t n)
{
	return (struct address){{[10] = 0xff, 0xff, 127, 0, 0, n}};
}

/* Of client n, n lines do not pass. */
static void
fill(void)
{
	static const struct shared_plan plan = {.slots = 1,
		.places = 1,
		.limiter_entries = 10 * CLIENTS,
		.store_bytes = 8,
		.settings_bytes = 8};
	static const struct limiter_rule rule = {1, 100000};
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, NULL), SHARED_OK);
	for (unsigned i = 0; i < CLIENTS; i++) {
		uint8_t n = (uint8_t)(i * 77 % CLIENTS);
		struct address address = address_of(n);
		limiter_take(shared.limiter, &address, &rule, clock_mono_ms(), 1 + n);
	}
}

static void
all(void)
{
	struct addresses list = {0};
	fill();
	addresses_list(&list, &shared, ADDRESSES_ALL);
	CU_ASSERT_EQUAL(list.count, CLIENTS);
	addresses_list(&list, &shared, ADDRESSES_EVER_LIMITED);
	CU_ASSERT_EQUAL_FATAL(list.count, CLIENTS - 1);
	for (size_t i = 0; i < list.count; i++)
		CU_ASSERT_EQUAL(list.items[i].limited, CLIENTS - 1 - i);
	struct address address = address_of(5);
	CU_ASSERT_EQUAL(addresses_find(&list, &address)->limited, 5);
	addresses_fini(&list);
	shared_close(&shared);
}

static void
most(void)
{
	struct addresses list = {0};
	fill();
	for (size_t wanted = 1; wanted <= MOST; wanted++) {
		addresses_list_most(&list, &shared, ADDRESSES_EVER_LIMITED, wanted);
		CU_ASSERT_EQUAL_FATAL(list.count, wanted);
		for (size_t i = 0; i < wanted; i++)
			CU_ASSERT_EQUAL(list.items[i].limited, CLIENTS - 1 - i);
	}
	CU_ASSERT(list.cap < CLIENTS);
	addresses_list_most(&list, &shared, ADDRESSES_EVER_LIMITED, 10 * CLIENTS);
	CU_ASSERT_EQUAL(list.count, CLIENTS - 1);
	addresses_fini(&list);
	shared_close(&shared);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"all that are wanted, in their order", all},
		{"no more than are wanted", most},
		{NULL, NULL},
	};
	return tap_main("addresses", cases);
}
