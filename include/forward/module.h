/* SPDX-License-Identifier: ISC */
/* Loads drivers.  One thread; what was loaded stays, as libraries with threads of their own cannot be unloaded. */
#ifndef FORWARD_MODULE_H
#define FORWARD_MODULE_H

#include "forward/driver.h"

/* The driver of that scheme, or NULL with why. */
const struct forward_driver *module_load(const char *scheme, char why[FORWARD_WHY_MAX]);

#endif
