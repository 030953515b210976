/* SPDX-License-Identifier: ISC */
/* A sentence that says why not, for those who hand it up and do not print. */
#ifndef BASE_REASON_H
#define BASE_REASON_H

#include "base/buf.h"

/* Writes it into scratch, in place of what was there, and returns it; without memory one that says so. */
const char *reason_format(struct buf *scratch, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
