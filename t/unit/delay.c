/* SPDX-License-Identifier: ISC */
/* How long the oldest waits: exactly while little does, and nearly so after any delay. */
#include "core/delay.h"

#include "unit/tap.h"

static void
oldest(void)
{
	struct delay delay = {0};
	CU_ASSERT_EQUAL(delay_since_us(&delay), 0);
	delay_look(&delay, 100, 0, 1000);
	delay_look(&delay, 200, 0, 2000);
	delay_look(&delay, 300, 99, 3000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 1000);
	delay_look(&delay, 300, 100, 4000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 2000);
	delay_look(&delay, 300, 299, 5000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 3000);
	delay_look(&delay, 300, 300, 6000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 0);
	delay_look(&delay, 400, 300, 7000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 7000);
}

/* A byte a look, which stands for 200 ms: so many come while none go, then nine go for each that comes, then one does. */
static void
outage(int64_t looks)
{
	enum { LOOK_US = 200000 };
	struct delay delay = {0};
	int64_t come = 0, gone = 0, worst = 0;
	for (; come < looks || gone < come - 5; come++) {
		if (come >= looks && (gone += 9) > come)
			gone = come;
		delay_look(&delay, (uint64_t)come + 1, (uint64_t)gone, (come + 1) * LOOK_US);
		int64_t off = (gone + 1) * LOOK_US - delay_since_us(&delay);
		CU_ASSERT(off >= 0);
		worst = off > worst ? off : worst;
	}
	CU_ASSERT(worst <= looks * LOOK_US / 16 + LOOK_US);
	/* Soon it is exact again. */
	for (int i = 0; i < 200; i++, come++)
		delay_look(&delay, (uint64_t)come + 1, (uint64_t)come - 2, (come + 1) * LOOK_US);
	CU_ASSERT_EQUAL(delay_since_us(&delay), (come - 2) * LOOK_US);
}

static void
outages(void)
{
	outage(3);
	outage(64);
	outage(300);
	outage(20000);
	outage(1000000);
}

static void
lost(void)
{
	struct delay delay = {0};
	for (int i = 1; i <= 5; i++)
		delay_look(&delay, (uint64_t)i * 100, 0, i * 1000);
	delay_look(&delay, 250, 0, 6000);
	delay_look(&delay, 350, 0, 7000);
	delay_look(&delay, 350, 200, 8000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 3000);
	delay_look(&delay, 350, 250, 8000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 7000);
}

static void
clock_set_back(void)
{
	struct delay delay = {0};
	for (int i = 1; i <= 1000; i++)
		delay_look(&delay, (uint64_t)i, 0, 1000000 + i);
	for (int i = 1001; i <= 2000; i++)
		delay_look(&delay, (uint64_t)i, 0, i);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 1000001);
	delay_look(&delay, 2001, 2000, 3000);
	CU_ASSERT_EQUAL(delay_since_us(&delay), 3000);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the oldest that waits", oldest},
		{"during outages of any length, and after them", outages},
		{"what was lost waits no more", lost},
		{"a clock that is set back", clock_set_back},
		{NULL, NULL},
	};
	return tap_main("delay", cases);
}
