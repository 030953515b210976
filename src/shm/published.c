/* SPDX-License-Identifier: ISC */
/*
 * Two copies and two numbers: `generation` says which copy is in force, `writing` which generation is
 * being written.  The copies are words of their own, because a slow reader may meet the writer in the copy that was
 * in force when it began; `writing` then tells it so.
 */
#include "shm/published.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "shm/region.h"

struct published {
	alignas(REGION_LINE_BYTES) _Atomic uint64_t generation;
	_Atomic uint64_t writing;
	size_t bytes;
	_Atomic uint64_t words[]; /* two copies */
};

static size_t
word_count(size_t bytes)
{
	return (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t);
}

size_t
published_size(size_t bytes)
{
	return region_align(sizeof(struct published) + 2 * word_count(bytes) * sizeof(uint64_t));
}

void
published_init(void *memory, size_t bytes)
{
	struct published *published = memory;
	published->bytes = bytes;
}

bool
published_is_sound(const struct published *published, size_t bytes)
{
	return published->bytes == bytes;
}

static size_t
copy_at(size_t bytes, uint64_t generation)
{
	return generation % 2 * word_count(bytes);
}

/* How many bytes of the value word n holds. */
static size_t
bytes_in(size_t bytes, size_t n)
{
	size_t left = bytes - n * sizeof(uint64_t);
	return left < sizeof(uint64_t) ? left : sizeof(uint64_t);
}

uint64_t
published_write(struct published *published, const void *value, size_t bytes)
{
	assert(bytes == published->bytes);
	uint64_t next = atomic_load_explicit(&published->generation, memory_order_relaxed) + 1;
	_Atomic uint64_t *words = published->words + copy_at(bytes, next);
	atomic_store_explicit(&published->writing, next, memory_order_relaxed);
	for (size_t i = 0; i < word_count(bytes); i++) {
		uint64_t word = 0;
		memcpy(&word, (const char *)value + i * sizeof word, bytes_in(bytes, i));
		/* Whoever sees this word sees `writing` too. */
		atomic_store_explicit(&words[i], word, memory_order_release);
	}
	atomic_store_explicit(&published->generation, next, memory_order_release);
	return next;
}

uint64_t
published_generation(const struct published *published)
{
	return atomic_load_explicit(&published->generation, memory_order_acquire);
}

bool
published_try_read(
	const struct published *published, void *value, size_t bytes, uint64_t *generation)
{
	*generation = published_generation(published);
	const _Atomic uint64_t *words = published->words + copy_at(bytes, *generation);
	for (size_t i = 0; i < word_count(bytes); i++) {
		uint64_t word = atomic_load_explicit(&words[i], memory_order_acquire);
		memcpy((char *)value + i * sizeof word, &word, bytes_in(bytes, i));
	}
	/* Only the generation after the next one goes into this copy again. */
	return atomic_load_explicit(&published->writing, memory_order_relaxed) <= *generation + 1;
}

uint64_t
published_read(const struct published *published, void *value, size_t bytes)
{
	uint64_t generation;
	assert(bytes == published->bytes);
	while (!published_try_read(published, value, bytes, &generation)) {}
	return generation;
}
