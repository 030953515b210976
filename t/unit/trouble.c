/* SPDX-License-Identifier: ISC */
/* When trouble is worth a line. */
#include "store/trouble.h"

#include <pthread.h>

#include "unit/tap.h"

static void
begin_repeat_end(void)
{
	struct trouble trouble = {0};
	CU_ASSERT_FALSE(trouble_over(&trouble));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1000));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1001));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS - 1));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 1000 + TROUBLE_REPEAT_MS + 1));
	CU_ASSERT_TRUE(trouble_over(&trouble));
	CU_ASSERT_FALSE(trouble_over(&trouble));
}

static void
coming_back(void)
{
	struct trouble trouble = {0};
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1));
	CU_ASSERT_TRUE(trouble_over(&trouble));
	CU_ASSERT_FALSE(trouble_failed(&trouble, 2));
	/* Of what was not told the end is not told either. */
	CU_ASSERT_FALSE(trouble_over(&trouble));
	CU_ASSERT_FALSE(trouble_failed(&trouble, TROUBLE_REPEAT_MS));
	CU_ASSERT_TRUE(trouble_failed(&trouble, 1 + TROUBLE_REPEAT_MS));
	CU_ASSERT_TRUE(trouble_over(&trouble));
}

static void
flapping_is_bounded(void)
{
	struct trouble trouble = {0};
	int begun = 0, ended = 0;
	for (int64_t now_ms = 1; now_ms <= 10 * TROUBLE_REPEAT_MS; now_ms += 10) {
		begun += trouble_failed(&trouble, now_ms);
		ended += trouble_over(&trouble);
	}
	CU_ASSERT_EQUAL(begun, 10);
	CU_ASSERT_EQUAL(ended, 10);
}

enum { THREADS = 8, MINUTES = 2000 };

struct teller {
	struct trouble *trouble;
	pthread_barrier_t *minute;
	int told;
};

static void *
fail_every_minute(void *arg)
{
	struct teller *teller = arg;
	for (int64_t minute = 1; minute <= MINUTES; minute++) {
		pthread_barrier_wait(teller->minute);
		teller->told += trouble_failed(teller->trouble, minute * TROUBLE_REPEAT_MS);
	}
	return NULL;
}

static void
told_by_one_of_all(void)
{
	struct trouble trouble = {0};
	pthread_barrier_t minute;
	struct teller tellers[THREADS];
	pthread_t threads[THREADS];
	int told = 0;
	pthread_barrier_init(&minute, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		tellers[i] = (struct teller){&trouble, &minute, 0};
		pthread_create(&threads[i], NULL, fail_every_minute, &tellers[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		told += tellers[i].told;
	}
	pthread_barrier_destroy(&minute);
	CU_ASSERT_EQUAL(told, MINUTES);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"told at the beginning, once a minute, at the end", begin_repeat_end},
		{"trouble that comes back within the minute is not told", coming_back},
		{"trouble that comes and goes is told once a minute", flapping_is_bounded},
		{"one of all who see it tells it", told_by_one_of_all},
		{NULL, NULL},
	};
	return tap_main("trouble", cases);
}
