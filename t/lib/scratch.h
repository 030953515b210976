/* SPDX-License-Identifier: ISC */
/* A directory of the test's own, and files in it.  What goes wrong here ends the test program. */
#ifndef T_LIB_SCRATCH_H
#define T_LIB_SCRATCH_H

#include <stddef.h>

#include "base/slice.h"

/* A directory for a test below TMPDIR; scratch_free() takes everything in it along. */
char *scratch_new(void);
void scratch_free(char *dir);

/* dir/name, from malloc. */
char *scratch_path(const char *dir, const char *name);

/* The file's content, NUL-terminated; NULL when there is none. */
char *scratch_read(const char *path, size_t *len);
void scratch_write(const char *path, struct slice bytes);

/* Appends one file's content to another's; an empty or missing one adds nothing. */
void scratch_add(const char *path, const char *from);

/* The file's length in bytes; -1 when there is none. */
long scratch_length(const char *path);

#endif
