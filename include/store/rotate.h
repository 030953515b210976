/* SPDX-License-Identifier: ISC */
/*
 * Rotation by size: path becomes path.1, path.1 becomes path.2 and so on.  Whoever is killed
 * between two renames leaves a gap in the numbers, which the next rotation fills: nothing is lost,
 * and no file more is removed.
 */
#ifndef STORE_ROTATE_H
#define STORE_ROTATE_H

#include <stdint.h>

enum { ROTATE_KEEP_MAX = 9999 };

/*
 * Called under the flock of the file that path leads to, which path.1 leads to afterwards; path
 * itself is free then.  At most `keep` numbers are left: the one above them, and those that follow it
 * without a gap, are removed.  0, or -1 with errno and path as it was.
 */
int rotate_shift(const char *path, int64_t keep);

#endif
