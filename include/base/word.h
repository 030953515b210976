/* SPDX-License-Identifier: ISC */
/*
 * Looks at eight bytes at once.  A test gives a mask that is zero exactly when no byte of the word
 * passes it, and whose lowest bit that is set stands in the first byte that does; bits above
 * that one mean nothing.  Masks of several tests may be or-ed.  Pure, thread-safe.
 */
#ifndef BASE_WORD_H
#define BASE_WORD_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WORD_BYTES = 8 };

/* A word with the byte in all eight places. */
#define WORD_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes from anywhere; the first one becomes the lowest. */
static inline uint64_t
word_load(const void *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return le64toh(word);
}

/* Which bytes are less than `limit`, at most 0x80. */
static inline uint64_t
word_below(uint64_t word, uint8_t limit)
{
	return (word - WORD_EACH(limit)) & ~word & WORD_EACH(0x80);
}

/* Which bytes are this one. */
static inline uint64_t
word_equal(uint64_t word, uint8_t byte)
{
	return word_below(word ^ WORD_EACH(byte), 1);
}

/* Which bytes are not ASCII. */
static inline uint64_t
word_high(uint64_t word)
{
	return word & WORD_EACH(0x80);
}

/* Which bytes are no plain ones: see base/bytes.h. */
static inline uint64_t
word_odd(uint64_t word)
{
	/* One added to the lower seven bits carries into the eighth where they are those of DEL. */
	uint64_t next = (word & WORD_EACH(0x7f)) + WORD_EACH(1);
	return word_below(word, ' ') | word_high(word | next) | word_equal(word, '"') |
	       word_equal(word, '\\');
}

/* Which bytes may begin a control character: see base/bytes.h. */
static inline uint64_t
word_suspect(uint64_t word)
{
	return word_below(word, ' ') | word_equal(word, 0x7f) | word_equal(word, 0xc2);
}

/* How many bytes stand before the first one of a mask that is not zero. */
static inline size_t
word_first(uint64_t mask)
{
	return (size_t)__builtin_ctzll(mask) / 8;
}

#endif
