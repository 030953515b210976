/* SPDX-License-Identifier: ISC */
/*
 * The environment as it was handed to the program, never the process's own: a caller can pass any.
 * Thread-safe.
 */
#ifndef SETTINGS_ENVIRONMENT_H
#define SETTINGS_ENVIRONMENT_H

#include "base/slice.h"
#include "settings/layers.h"

/* The value of a variable, or NULL.  `environment` is as environ; NULL is empty. */
const char *environment_get(char *const *environment, struct slice name);

/* Applies every variable that the table names and that is set. */
void environment_apply(char *const *environment, struct layers *layers);

#endif
