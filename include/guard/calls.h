/* SPDX-License-Identifier: ISC */
/* The system calls that the filter tells apart, by name.  Tables end with NULL. */
#ifndef GUARD_CALLS_H
#define GUARD_CALLS_H

#include <stdint.h>

/* Allowed where (argument & mask) == value.  A name may stand there several times. */
struct limited_call {
	const char *name;
	unsigned argument;
	uint64_t mask, value;
};

extern const char *const calls_common[], *const calls_worker[], *const calls_monitor[];
extern const struct limited_call calls_common_limited[], calls_worker_limited[];

/* No program of ours has a use for these: whoever asks for one is killed. */
extern const char *const calls_deadly[];

#endif
