/* SPDX-License-Identifier: ISC */
/* What a worker uses: told by itself, as nobody else may look into a process that is hidden. */
#ifndef SERVE_USAGE_H
#define SERVE_USAGE_H

#include <stdint.h>

#include "shm/scoreboard.h"

/* Puts processor time and memory into the worker's slot, when a second has passed since *shown_ms (0: never).  One thread. */
void usage_show(struct scoreboard *board, size_t slot, int64_t now_ms, int64_t *shown_ms);

#endif
