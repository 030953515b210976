/* SPDX-License-Identifier: ISC */
/*
 * A value that one process publishes and all others read whole: bytes of a fixed size and a generation number, in
 * shared memory.  There are two copies; the one that is not in force is written, then the generation turns to it.  So
 * a writer that is killed in the middle leaves the last value in force, and no reader ever waits for it.
 */
#ifndef SHM_PUBLISHED_H
#define SHM_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct published; /* lives in shared memory, pointer-free */

/* How much memory values of so many bytes take. */
size_t published_size(size_t bytes);

/* Lays it out in published_size(bytes) zeroed shared bytes: generation 0, a value of zeroes. */
void published_init(void *memory, size_t bytes);

/* Whether the memory of another process was laid out for that. */
bool published_is_sound(const struct published *published, size_t bytes);

/* Makes the value, of all those bytes, the one in force and returns its generation.  One process, one thread at a time. */
uint64_t published_write(struct published *published, const void *value, size_t bytes);

/* The generation in force: one load, to be compared with that of a copy.  Any thread. */
uint64_t published_generation(const struct published *published);

/* Copies the value in force and returns its generation.  Any thread; again where the writer comes between. */
uint64_t published_read(const struct published *published, void *value, size_t bytes);

/*
 * The same, once: false when the writer came between, and the copy may be of two values.  For who does not trust the
 * memory: `bytes` is the caller's, and nothing in the memory makes it read elsewhere or wait.
 */
bool published_try_read(
	const struct published *published, void *value, size_t bytes, uint64_t *generation);

#endif
