/* SPDX-License-Identifier: ISC */
/*
 * Sleeps on a futex in the shared memory, which the forwarder wakes after each confirmation; and looks now and then all the same, as who should
 * wake may be killed between the two.
 */
#include "serve/replica.h"

#include <errno.h>

#include "base/clock.h"
#include "base/futex.h"

enum { LOOK_MS = 100 };

int
replica_await(struct shipping *shipping, struct position end, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_mono_ms() + timeout_ms;
	for (;;) {
		/* First the number: a confirmation after it keeps us from sleeping. */
		uint32_t seen = atomic_load(&shipping->confirmations);
		enum shipping_fate fate = shipping_fate(shipping, end);
		if (fate != SHIPPING_WAITS)
			return fate == SHIPPING_CONFIRMED ? 0 : EIO;
		int64_t left_ms = deadline_ms - clock_mono_ms();
		if (left_ms <= 0)
			return ETIMEDOUT;
		atomic_fetch_add(&shipping->waiters, 1);
		futex_wait(&shipping->confirmations, seen, left_ms < LOOK_MS ? left_ms : LOOK_MS);
		atomic_fetch_sub(&shipping->waiters, 1);
	}
}
