/* SPDX-License-Identifier: ISC */
/* What the kernel tells of a process, in /proc.  One thread. */
#ifndef MONITOR_PROCESS_H
#define MONITOR_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process {
	double cpu_s; /* user and system */
	uint64_t resident_bytes, virtual_bytes;
};

/* 0, or -1 when there is no such process, or it cannot be seen. */
int process_read(pid_t pid, struct process *process);

/* How many descriptors this process has open; 0: cannot be seen. */
uint64_t process_descriptors(void);

#endif
