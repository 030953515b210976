/* SPDX-License-Identifier: ISC */
/*
 * The searches, each written once for every way.  What is left at the end and is less than a step
 * is read once more together with the bytes before it; only a span that is shorter than a step is
 * looked at byte by byte.
 */
#include "base/bytes.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { FAR_BYTES = 64 }; /* from here on the wider registers pay */

typedef unsigned char byte;

static bool
is_odd(byte c)
{
	return c < ' ' || c >= 0x7f || c == '"' || c == '\\';
}

static bool
is_suspect(byte c)
{
	return c < ' ' || c == 0x7f || c == 0xc2;
}

/* The searches of one kind that look at eight bytes at once, and at one. */
#define SEARCH_PORTABLE(kind)                                                                      \
	static const byte *find_##kind##_singly(const byte *at, struct span in)                    \
	{                                                                                          \
		while (at < in.end && !is_##kind(*at))                                             \
			at++;                                                                      \
		return at;                                                                         \
	}                                                                                          \
                                                                                                   \
	static const byte *find_##kind##_portable(const byte *at, struct span in)                  \
	{                                                                                          \
		for (; in.end - at >= WORD_BYTES; at += WORD_BYTES) {                              \
			uint64_t found = word_##kind(word_load(at));                               \
			if (found != 0)                                                            \
				return at + word_first(found);                                     \
		}                                                                                  \
		return find_##kind##_singly(at, in);                                               \
	}

SEARCH_PORTABLE(odd)
SEARCH_PORTABLE(suspect)

static bool
always(void)
{
	return true;
}

#ifdef __SSE2__

static inline unsigned
sse2_odd(const byte *at)
{
	return bytes_odd(at);
}

static inline unsigned
sse2_suspect(const byte *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i found = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(' ' - 1)), bytes);
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)0xc2)));
	return (unsigned)_mm_movemask_epi8(found);
}

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline unsigned
avx2_odd(const byte *at)
{
	__m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
	__m256i next = _mm256_add_epi8(bytes, _mm256_set1_epi8(1));
	__m256i printable = _mm256_cmpgt_epi8(next, _mm256_set1_epi8(' '));
	__m256i special = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
		_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
	return ~(unsigned)_mm256_movemask_epi8(_mm256_andnot_si256(special, printable));
}

AVX2 static inline unsigned
avx2_suspect(const byte *at)
{
	__m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
	__m256i found = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(' ' - 1)), bytes);
	found = _mm256_or_si256(found, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(0x7f)));
	found = _mm256_or_si256(found, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8((char)0xc2)));
	return (unsigned)_mm256_movemask_epi8(found);
}

/* The search of one kind in steps of so many bytes; `shorter` is for a span that is less than one. */
#define SEARCH(target, way, kind, step, shorter)                                                   \
	target static const byte *find_##kind##_##way(const byte *at, struct span in)              \
	{                                                                                          \
		for (; in.end - at >= (step); at += (step)) {                                      \
			unsigned found = way##_##kind(at);                                         \
			if (found != 0)                                                            \
				return at + bytes_first(found);                                    \
		}                                                                                  \
		if (at == in.end)                                                                  \
			return at;                                                                 \
		if (in.end - in.begin < (step))                                                    \
			return find_##kind##_##shorter(at, in);                                    \
		const byte *last = in.end - (step);                                                \
		unsigned found = way##_##kind(last) >> (at - last);                                \
		return found != 0 ? at + bytes_first(found) : in.end;                              \
	}

SEARCH(, sse2, odd, 16, portable)
SEARCH(, sse2, suspect, 16, portable)
SEARCH(AVX2, avx2, odd, 32, sse2)
SEARCH(AVX2, avx2, suspect, 32, sse2)

/* BYTES_BASELINE: the instructions that are counted must not depend on the machine that counts. */
static bool
has_avx2(void)
{
#ifdef BYTES_BASELINE
	return false;
#else
	return __builtin_cpu_supports("avx2") != 0;
#endif
}

const byte *
bytes_find_odd_far(const byte *at, struct span in)
{
	bool far = in.end - at >= FAR_BYTES && has_avx2();
	return far ? find_odd_avx2(at, in) : find_odd_sse2(at, in);
}

const byte *
bytes_find_suspect(const byte *at, struct span in)
{
	bool far = in.end - at >= FAR_BYTES && has_avx2();
	return far ? find_suspect_avx2(at, in) : find_suspect_sse2(at, in);
}

const struct bytes_way bytes_ways[] = {
	{"portable", always, find_odd_portable, find_suspect_portable},
	{"SSE2", always, find_odd_sse2, find_suspect_sse2},
	{"AVX2", has_avx2, find_odd_avx2, find_suspect_avx2},
	{NULL, NULL, NULL, NULL},
};

#else

const byte *
bytes_find_odd_far(const byte *at, struct span in)
{
	return find_odd_portable(at, in);
}

const byte *
bytes_find_suspect(const byte *at, struct span in)
{
	return find_suspect_portable(at, in);
}

const struct bytes_way bytes_ways[] = {
	{"portable", always, find_odd_portable, find_suspect_portable},
	{NULL, NULL, NULL, NULL},
};

#endif
