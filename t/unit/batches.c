/* SPDX-License-Identifier: ISC */
/* Batches are lent by turns, and those that nobody needs are freed. */
#include "serve/batches.h"

#include <stdlib.h>
#include <unistd.h>

#include "unit/tap.h"

enum { MANY = 20, THREADS = 8, ROUNDS = 5000 };

static void
last_come_first_served(void)
{
	struct batches batches;
	batches_init(&batches);
	CU_ASSERT_FALSE(batches_any(&batches));
	struct batch *first = batches_take(&batches), *second = batches_take(&batches);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_PTR_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(buf_printf(&first->records, "kept"), 0);
	batches_give(&batches, second);
	batches_give(&batches, first);
	CU_ASSERT_TRUE(batches_any(&batches));
	CU_ASSERT_PTR_EQUAL(batches_take(&batches), first);
	CU_ASSERT_TRUE(batch_memory(first) > 0);
	CU_ASSERT_PTR_EQUAL(batches_take(&batches), second);
	CU_ASSERT_FALSE(batches_any(&batches));
	batches_give(&batches, first);
	batches_give(&batches, second);
	batches_fini(&batches);
}

static void
too_large_to_keep(void)
{
	struct batches batches;
	batches_init(&batches);
	struct batch *batch = batches_take(&batches);
	CU_ASSERT_PTR_NOT_NULL_FATAL(buf_reserve(&batch->records, BATCHES_KEEP_BYTES + 1));
	batches_give(&batches, batch);
	CU_ASSERT_EQUAL(batch_memory(batch), 0);
	batches_fini(&batches);
}

static void
crowd(struct batches *batches, struct batch *taken[static MANY])
{
	for (size_t i = 0; i < MANY; i++)
		taken[i] = batches_take(batches);
	for (size_t i = 0; i < MANY; i++)
		batches_give(batches, taken[i]);
}

static void
trimmed(void)
{
	struct batches batches;
	struct batch *taken[MANY];
	batches_init(&batches);
	CU_ASSERT_FALSE(batches_trim(&batches));
	crowd(&batches, taken);
	/* All were needed since the last look. */
	CU_ASSERT_FALSE(batches_trim(&batches));
	CU_ASSERT_EQUAL(batches.count, MANY);
	crowd(&batches, taken);
	CU_ASSERT_FALSE(batches_trim(&batches));
	/* Since then two. */
	struct batch *one = batches_take(&batches), *two = batches_take(&batches);
	batches_give(&batches, one);
	batches_give(&batches, two);
	CU_ASSERT_TRUE(batches_trim(&batches));
	CU_ASSERT_EQUAL(batches.count, 2);
	CU_ASSERT_PTR_EQUAL(batches_take(&batches), two);
	batches_give(&batches, two);
	CU_ASSERT_TRUE(batches_trim(&batches));
	CU_ASSERT_TRUE(batches_trim(&batches));
	CU_ASSERT_FALSE(batches_any(&batches));
	CU_ASSERT_FALSE(batches_trim(&batches));
	batches_fini(&batches);
}

static void *
use(void *arg)
{
	struct batches *batches = arg;
	int wrong = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct batch *batch = batches_take(batches);
		wrong += batch->count != 0;
		batch->count = 1;
		if (i % 100 == 0)
			(void)batches_trim(batches);
		batch->count = 0;
		batches_give(batches, batch);
	}
	return wrong == 0 ? NULL : arg;
}

static void
by_many_threads(void)
{
	struct batches batches;
	pthread_t threads[THREADS];
	batches_init(&batches);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, use, &batches);
	for (size_t i = 0; i < THREADS; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		CU_ASSERT_PTR_NULL(wrong);
	}
	CU_ASSERT_TRUE(batches.count <= THREADS);
	batches_fini(&batches);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the last that came goes first", last_come_first_served},
		{"what is too large is not kept", too_large_to_keep},
		{"what nobody has needed is freed", trimmed},
		{"each has one user at a time", by_many_threads},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("batches", cases);
}
