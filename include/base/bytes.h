/* SPDX-License-Identifier: ISC */
/*
 * Searches text for the bytes that need care.  There are three ways of it, which agree: eight bytes at
 * once with plain C, 16 with SSE2, which every x86-64 has, and 32 with AVX2.  The short way is in
 * line, so that a name of six bytes costs one load; only a long text asks for AVX2, which is one
 * bit to look at: libgcc asks the processor before main(), and nothing of ours is written.
 *
 * A search never reads outside its span, but it does read before the place where it begins.
 * Pure, thread-safe.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/word.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* All that may be read. */
struct span {
	const unsigned char *begin, *end;
};

static inline struct span
span_of(struct slice slice)
{
	/* To what is not there even nothing must not be added. */
	const unsigned char *begin = (const unsigned char *)(slice.data != NULL ? slice.data : "");
	return (struct span){begin, begin + slice.len};
}

/* Searches from `at` on: the place of the first byte of its kind, or the end. */
typedef const unsigned char *bytes_search(const unsigned char *at, struct span in);

/*
 * Plain is what may stand in a JSON string and in a line of text as it is: printable ASCII but for
 * the quote and the backslash.  All else is odd: also DEL, and every byte of a longer character.
 */
bytes_search bytes_find_odd_far;

/* Suspects may begin a control character: C0, DEL, and C2, which leads C1 but others as well. */
bytes_search bytes_find_suspect;

/* The ways that this processor knows, for those who test that they agree; the last one has no name. */
struct bytes_way {
	const char *name;
	bool (*usable)(void);
	bytes_search *find_odd, *find_suspect;
};
extern const struct bytes_way bytes_ways[];

#ifdef __SSE2__

enum { BYTES_STEP = 16 };

/*
 * Which of the 16 bytes are odd.  With one added, DEL and what is not ASCII become negative and 0xff
 * becomes 0: compared as signed, none of them is above the space, nor is a control.
 */
static inline unsigned
bytes_odd(const unsigned char *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i next = _mm_add_epi8(bytes, _mm_set1_epi8(1));
	__m128i printable = _mm_cmpgt_epi8(next, _mm_set1_epi8(' '));
	__m128i special = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
		_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	return 0xffff ^ (unsigned)_mm_movemask_epi8(_mm_andnot_si128(special, printable));
}

static inline size_t
bytes_first(unsigned mask)
{
	return (unsigned)__builtin_ctz(mask);
}

#else

enum { BYTES_STEP = WORD_BYTES };

static inline uint64_t
bytes_odd(const unsigned char *at)
{
	return word_odd(word_load(at));
}

static inline size_t
bytes_first(uint64_t mask)
{
	return word_first(mask);
}

#endif

/* The first odd byte, which in short texts is near. */
static inline const unsigned char *
bytes_find_odd(const unsigned char *at, struct span in)
{
	if (in.end - at < BYTES_STEP)
		return bytes_find_odd_far(at, in);
	__auto_type odd = bytes_odd(at);
	return odd != 0 ? at + bytes_first(odd) : bytes_find_odd_far(at + BYTES_STEP, in);
}

#endif
