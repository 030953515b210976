/* SPDX-License-Identifier: ISC */
/* Of those who would tell the same thing at the same time one exchanges the word, and tells it. */
#include "store/trouble.h"

#include <stdlib.h>

bool
trouble_failed(struct trouble *trouble, int64_t now_ms)
{
	int64_t told_ms = atomic_load_explicit(&trouble->told_ms, memory_order_relaxed);
	if (told_ms != 0 && now_ms - llabs(told_ms) < TROUBLE_REPEAT_MS)
		return false;
	return atomic_compare_exchange_strong(&trouble->told_ms, &told_ms, now_ms);
}

bool
trouble_over(struct trouble *trouble)
{
	int64_t told_ms = atomic_load_explicit(&trouble->told_ms, memory_order_relaxed);
	return told_ms > 0 && atomic_compare_exchange_strong(&trouble->told_ms, &told_ms, -told_ms);
}
