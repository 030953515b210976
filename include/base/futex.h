/* SPDX-License-Identifier: ISC */
/* futex(2), which the C library has no function for: of memory that processes share.  Any thread. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <stdint.h>

/* Sleeps while the word is `value`, for wait_ms at the most; may wake for no reason. */
void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t wait_ms);

/* Wakes all that sleep. */
void futex_wake(_Atomic uint32_t *word);

#endif
