/* SPDX-License-Identifier: ISC */
/*
 * The searches: every way of them against a loop over bytes, at every length up to some steps, at
 * every alignment, between two pages that nobody may touch.  BYTES_SEED repeats a run.
 */
#include "base/bytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include "unit/tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { LEN_MAX = 130, ALIGNMENTS = 32, RANDOM_TEXTS = 20000 };

typedef unsigned char byte;

/* A page between two others; texts are put at its beginning, at its end, and in between. */
struct page {
	byte *data;
	size_t bytes;
};

static struct page
open_page(void)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	byte *all = mmap(NULL, 3 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(all != MAP_FAILED);
	CU_ASSERT_EQUAL_FATAL(mprotect(all + bytes, bytes, PROT_READ | PROT_WRITE), 0);
	return (struct page){all + bytes, bytes};
}

static void
close_page(struct page page)
{
	munmap(page.data - page.bytes, 3 * page.bytes);
}

static uint64_t
next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static bool
is_odd(byte c)
{
	return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
}

static bool
is_suspect(byte c)
{
	return c < 0x20 || c == 0x7f || c == 0xc2;
}

static const byte *
find(bool (*is)(byte), const byte *at, const byte *end)
{
	while (at < end && !is(*at))
		at++;
	return at;
}

/* Whether all ways find what the loop finds, from this place on. */
static void
expect_found(const byte *at, struct span in)
{
	const byte *odd = find(is_odd, at, in.end), *suspect = find(is_suspect, at, in.end);
	bool same = bytes_find_odd(at, in) == odd && bytes_find_odd_far(at, in) == odd &&
	            bytes_find_suspect(at, in) == suspect;
	for (const struct bytes_way *way = bytes_ways; way->name != NULL; way++) {
		if (way->usable())
			same = same && way->find_odd(at, in) == odd &&
			       way->find_suspect(at, in) == suspect;
	}
	if (!same)
		printf("# %td bytes, from %td\n", in.end - in.begin, at - in.begin);
	CU_ASSERT_FATAL(same);
}

/* One byte of each kind, at each place of each length, searched from before it and behind it. */
static void
one_at_every_place(void)
{
	static const byte kinds[] = {
		'"', '\\', 0, 0x1f, ' ', '~', 0x7f, 0x80, 0xc1, 0xc2, 0xc3, 0xff};
	struct page page = open_page();
	for (size_t len = 0; len <= LEN_MAX; len++) {
		byte *texts[] = {page.data, page.data + page.bytes - len};
		for (size_t i = 0; i < COUNT(texts); i++) {
			struct span in = {texts[i], texts[i] + len};
			memset(texts[i], 'x', len);
			expect_found(in.begin, in);
			for (size_t place = 0; place < len; place++) {
				texts[i][place] = kinds[(place + len) % COUNT(kinds)];
				expect_found(in.begin, in);
				expect_found(in.begin + place / 2, in);
				expect_found(in.begin + place, in);
				expect_found(in.begin + place + 1, in);
				texts[i][place] = 'x';
			}
		}
	}
	close_page(page);
}

/* All 256 of them. */
static void
every_byte(void)
{
	struct page page = open_page();
	for (size_t place = 0; place < LEN_MAX; place += 3) {
		byte *text = page.data + page.bytes - LEN_MAX;
		memset(text, '!', LEN_MAX);
		for (int c = 0; c < 256; c++) {
			text[place] = (byte)c;
			expect_found(text, (struct span){text, text + LEN_MAX});
		}
	}
	close_page(page);
}

/* What stands around a text is not found, at any alignment. */
static void
nothing_outside(void)
{
	struct page page = open_page();
	for (int around = 0; around < 256; around += 17) {
		memset(page.data, around, page.bytes);
		for (size_t len = 0; len <= LEN_MAX; len++) {
			byte *text = page.data + ALIGNMENTS + len % ALIGNMENTS;
			memset(text, ' ', len);
			for (size_t from = 0; from <= len; from++)
				expect_found(text + from, (struct span){text, text + len});
			memset(text, around, len);
		}
	}
	close_page(page);
}

/* Texts at random, of few and of many that are to be found. */
static void
random_texts(void)
{
	static const byte bytes[] = "ab cd\"\\\n\x1f~\x7f\x80\xc2\x9b\xc3\xe4\xff";
	const char *given = getenv("BYTES_SEED");
	uint64_t state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("# BYTES_SEED=%llu\n", (unsigned long long)state);
	struct page page = open_page();
	for (int i = 0; i < RANDOM_TEXTS; i++) {
		size_t len = next(&state) % (LEN_MAX + 1), rare = 1 + next(&state) % LEN_MAX;
		byte *text = page.data + page.bytes - len - next(&state) % ALIGNMENTS;
		for (size_t j = 0; j < len; j++) {
			bool any = next(&state) % rare == 0;
			text[j] = any ? bytes[next(&state) % (sizeof bytes - 1)] : 'a';
		}
		struct span in = {text, text + len};
		for (size_t from = 0; from <= len; from += 1 + next(&state) % 16)
			expect_found(text + from, in);
	}
	close_page(page);
}

/* Many times what the widest of them does at once. */
static void
long_text(void)
{
	struct page page = open_page();
	struct span in = {page.data, page.data + page.bytes};
	memset(page.data, 'x', page.bytes);
	for (size_t place = 0; place < page.bytes; place += 61) {
		page.data[place] = '\t';
		for (size_t from = 0; from <= place; from += 509)
			expect_found(page.data + from, in);
		page.data[place] = 'x';
	}
	close_page(page);
}

static void
ways(void)
{
	bool portable = false;
	for (const struct bytes_way *way = bytes_ways; way->name != NULL; way++) {
		printf("# %s: %s\n", way->name, way->usable() ? "tested" : "not here");
		portable |= way->usable() && strcmp(way->name, "portable") == 0;
	}
	CU_ASSERT(portable);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the ways that are tested", ways},
		{"one byte at every place of every length", one_at_every_place},
		{"every byte", every_byte},
		{"nothing outside is found", nothing_outside},
		{"texts at random", random_texts},
		{"a long text", long_text},
		{NULL, NULL},
	};
	return tap_main("bytes", cases);
}
