/* SPDX-License-Identifier: ISC */
/*
 * A filter of system calls (seccomp): what a worker or the monitor never asks for, it cannot ask for any more, whoever
 * has taken it over.  What may be needed by a fault or by the C library fails with EPERM; what only an intruder wants
 * ends the process with SIGSYS.  The forwarder, whose libraries ask for what they like, is kept from the latter alone.
 */
#ifndef GUARD_SANDBOX_H
#define GUARD_SANDBOX_H

#include <stdbool.h>

enum sandbox_role { SANDBOX_WORKER, SANDBOX_MONITOR, SANDBOX_FORWARDER };

enum sandbox_result {
	SANDBOX_LOADED,
	SANDBOX_FAILED, /* with errno: the kernel, or a container around us, does not let us */
	SANDBOX_LEFT, /* built with a sanitizer, which needs more calls: the filter is made and not loaded */
};

/*
 * Holds for this thread and all that it starts, for good: called before others are there, with the user that stays, and
 * after powers_drop().
 */
enum sandbox_result sandbox_load(enum sandbox_role role);

/*
 * What the setting asks for: hides the process and loads the filter, or shows it.  A process that cannot be confined goes
 * on, and says so where it `tells`: one for all.
 */
void sandbox_enter(enum sandbox_role role, bool on, bool tells);

#endif
