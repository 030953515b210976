/* SPDX-License-Identifier: ISC */
/*
 * Memory that every process of the daemon shares: mapped once before the first fork,
 * anonymous, zeroed.  Nothing in it is a pointer.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stddef.h>

/* What two processes write side by side lies so far apart. */
enum { REGION_LINE_BYTES = 64 };

/* Maps `size` bytes, page-aligned.  NULL with errno. */
void *region_map(size_t size);
void region_unmap(void *memory, size_t size);

/* `size` rounded up so that what follows it begins on a cache line of its own. */
size_t region_align(size_t size);

#endif
