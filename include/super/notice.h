/* SPDX-License-Identifier: ISC */
/* What an operator is told of the supervisor's work. */
#ifndef SUPER_NOTICE_H
#define SUPER_NOTICE_H

#include <stdint.h>

#include "base/buf.h"
#include "net/listener.h"
#include "settings/settings.h"
#include "shm/shared.h"

/* Logs `what` for each socket in `set` that `other` does not have. */
void notice_listeners(
	const struct listener_set *set, const struct listener_set *other, const char *what);

/* The same of the sockets of the monitor, as URLs where there is one. */
void notice_status(
	const struct listener_set *set, const struct listener_set *other, const char *what);

/* Logs each line of the text. */
void notice_lines(const struct buf *text, void (*log)(const char *format, ...));

/* Writes on the board where we listen, and which generations of workers and settings are the newest. */
void notice_board(const struct shared *shared, const struct listener_set *listeners,
	uint64_t worker_generation);

/* The process title. */
void notice_title(const struct settings *settings);

/* Logs all counters, at the end. */
void notice_counts(const struct shared *shared);

#endif
