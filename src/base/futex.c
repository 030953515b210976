/* SPDX-License-Identifier: ISC */
/* Two system calls. */
#include "base/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void
futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t wait_ms)
{
	const struct timespec timeout = {wait_ms / 1000, wait_ms % 1000 * 1000000};
	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

void
futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
