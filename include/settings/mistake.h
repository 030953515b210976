/* SPDX-License-Identifier: ISC */
/*
 * Mistakes in the configuration, collected as lines of text: "place: Directive: what is wrong, what would
 * be right".  Control characters are written as `?`, so that one mistake is one line.
 * One thread at a time.
 */
#ifndef SETTINGS_MISTAKE_H
#define SETTINGS_MISTAKE_H

#include <stddef.h>

#include "base/buf.h"

struct mistakes {
	struct buf *out;
	size_t count; /* also of those that there was no memory to tell of */
};

/* `name` is the directive or the variable; NULL leaves that part out. */
void mistake_add(struct mistakes *mistakes, const char *place, const char *name, const char *what);

/* What an error number means. */
const char *mistake_errno(int error);

#endif
