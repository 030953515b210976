/* SPDX-License-Identifier: ISC */
/*
 * What a process can do without asking: workers and the monitor give all of it up, and let nobody look into their
 * memory.  Of the process alone; before its threads.
 */
#ifndef GUARD_POWERS_H
#define GUARD_POWERS_H

#include <stdbool.h>

/*
 * No capability is left, also none of root's, and no program that is started later brings one back (no-new-privs).
 * 0, or -1 with errno.
 */
int powers_drop(void);

/*
 * Hidden: no core is dumped, and no other process of the same user may trace it or read its memory.  What is built
 * with a sanitizer is never hidden: LeakSanitizer traces.
 */
void powers_hide(bool hidden);

#endif
