/* SPDX-License-Identifier: ISC */
/* `logcollectctl status`: one reading of the scoreboard, for people or for programs. */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "figures/reading.h"

/* Prints it for people. */
void status_print(FILE *out, const struct reading *reading);

/* Says on standard error which processes have been silent for longer than that; whether there are any. */
bool status_tell_silence(const struct reading *reading, int64_t limit_ms);

/* Prints it as one JSON object; its names stay what they are.  0, or -1 with errno ENOMEM. */
int status_print_json(FILE *out, const struct reading *reading);

#endif
