/* SPDX-License-Identifier: ISC */
/* A file whose first line is a password. */
#ifndef BASE_PASSFILE_H
#define BASE_PASSFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads it into `out`, of `size` bytes, which holds no password when it fails.  NULL, or what is wrong with the file (constant).
 * *exposed: everybody on the machine can read it.
 */
const char *passfile_read(const char *path, char *out, size_t size, bool *exposed);

#endif
