/* SPDX-License-Identifier: ISC */
/*
 * What the supervisor tells a service manager, where one has started the daemon: the protocol of sd_notify(3), written
 * out here so that nothing of systemd is needed at run time.  Nobody is waited for, but a manager that is to hear
 * that the daemon serves, reloads or stops, for a second.  One thread.
 */
#ifndef SUPER_MANAGER_H
#define SUPER_MANAGER_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shm/shared.h"

struct manager {
	int fd; /* -1: there is none, and all of this does nothing */
	struct sockaddr_un address;
	socklen_t address_len;
	int64_t watchdog_ms; /* it wants to hear of us as often; 0: it does not */
	int64_t told_ms;     /* when it was told of the figures last, monotonic clock; 0: never */
	uint64_t told_lines; /* how many had been judged then */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment: they are meant for this
 * process alone.  0, or -1 with errno when there is a manager that cannot be told anything (there is none, then).
 */
int manager_init(struct manager *manager);

/* The daemon serves, for the first time or again after a reload. */
void manager_ready(struct manager *manager);

/* A reload begins; manager_ready() ends it. */
void manager_reloading(const struct manager *manager);

/* The daemon ends, within so many seconds. */
void manager_stopping(const struct manager *manager, int64_t within_s);

/* Tells that the daemon lives, and its figures, when that is due.  In how many milliseconds to call it again, or -1. */
int manager_run_timers(struct manager *manager, const struct shared *shared, int64_t now_ms);

/* In a child, which has nothing to tell, and at the end. */
void manager_close(struct manager *manager);

#endif
