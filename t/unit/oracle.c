/* SPDX-License-Identifier: ISC */
/*
 * The scanner against json-c, on documents made at random: valid ones, which must be accepted, and
 * mutated ones.  ORACLE_SEED repeats a run.
 */
#include "lib/oracle.h"

#include <stdint.h>
#include <time.h>

#include "core/scan.h"
#include "unit/exact.h"
#include "unit/tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { DOCUMENTS = 15000, TEXT_MAX = 8192, DEPTH_MAX = 5, MUTATIONS = 4 };

struct maker {
	uint64_t state;
	size_t len;
	char text[TEXT_MAX];
};

/* splitmix64: small, and the same everywhere. */
static uint64_t
next(struct maker *maker)
{
	uint64_t x = maker->state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t
below(struct maker *maker, size_t limit)
{
	return (size_t)(next(maker) % limit);
}

static void
start(struct maker *maker)
{
	const char *given = getenv("ORACLE_SEED");
	maker->state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("# ORACLE_SEED=%llu\n", (unsigned long long)maker->state);
}

static void
put(struct maker *maker, const char *text)
{
	size_t len = strlen(text);
	if (len > TEXT_MAX - maker->len)
		abort();
	memcpy(maker->text + maker->len, text, len);
	maker->len += len;
}

static void
put_one_of(struct maker *maker, const char *const *texts, size_t count)
{
	put(maker, texts[below(maker, count)]);
}

static void
put_space(struct maker *maker)
{
	static const char *const spaces[] = {"", "", "", " ", "\t", "\r\n", "   "};
	put_one_of(maker, spaces, COUNT(spaces));
}

static void
put_string(struct maker *maker)
{
	static const char *const pieces[] = {"a", "level", "plain text of some length", "\\n",
		"\\\"", "\\\\", "\\/", "\\u0041", "\\u0000", "\\u00e9", "\\uFFFF", "\\ud83d\\ude00",
		"\\ud800", "\\udfff", "\\ud800\\u0041", "\\ud800\\ud800", "\xc3\xbc",
		"\xe4\xbd\xa0", "\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\x7f", "'",
		"{[,:]}", "//"};
	put(maker, "\"");
	for (size_t left = below(maker, 6); left > 0; left--)
		put_one_of(maker, pieces, COUNT(pieces));
	put(maker, "\"");
}

static void
put_scalar(struct maker *maker)
{
	static const char *const scalars[] = {"true", "false", "null", "0", "-0", "7", "-12", "1.5",
		"0.001", "-0.0", "1e5", "1E-5", "2.5e+10", "12345678901234567890", "1e400"};
	if (below(maker, 2) == 0)
		put_string(maker);
	else
		put_one_of(maker, scalars, COUNT(scalars));
}

static void
put_name(struct maker *maker)
{
	static const char *const names[] = {"\"level\"", "\"message\"", "\"\\u006cevel\"",
		"\"messag\\u0065\"", "\"severity\"", "\"lvl\"", "\"l\\u0076l\"", "\"log.level\"",
		"\"msg\"", "\"log\"",
		"\"gr\xc3\xb6\xc3\x9f"
		"e\"",
		"\"gr\\u00f6\\u00DFe\"", "\"\\ud83d\\ude00\"", "\"a\\\"b\"", "\"a\\\\b\"",
		"\"l\\/v\"", "\"l/v\"", "\"Level\"", "\"levels\"", "\"level\\u0000\"", "\"\"",
		"\"leve\""};
	if (below(maker, 4) == 0)
		put_string(maker);
	else
		put_one_of(maker, names, COUNT(names));
	put_space(maker);
	put(maker, ":");
}

/* Recursion is fine for a maker that knows its depth. */
static void
put_value(struct maker *maker, int depth, bool object)
{
	put_space(maker);
	if (!object && (depth == DEPTH_MAX || below(maker, 3) > 0)) {
		put_scalar(maker);
		put_space(maker);
		return;
	}
	object = object || below(maker, 2) == 0;
	put(maker, object ? "{" : "[");
	put_space(maker);
	size_t values = below(maker, 5 - (size_t)depth / 2);
	for (size_t i = 0; i < values; i++) {
		put(maker, i > 0 ? "," : "");
		put_space(maker);
		if (object)
			put_name(maker);
		put_value(maker, depth + 1, false);
	}
	put(maker, object ? "}" : "]");
	put_space(maker);
}

static void
make_document(struct maker *maker)
{
	maker->len = 0;
	put_value(maker, 0, below(maker, 10) > 0);
}

/* One change: a byte replaced, put in or taken out, a stretch doubled, the end cut off. */
static void
mutate(struct maker *maker)
{
	static const char bytes[] =
		"\"\"\\\\{}[],:0123456789.-+eEu'/ \t\n\0\x01\x1f\x7f\x80\xbf\xc0\xc2\xe0"
		"\xed\xf0\xf4\xf5\xff"
		"ntf";
	if (maker->len == 0 || maker->len > TEXT_MAX / 2)
		return;
	size_t at = below(maker, maker->len), tail = maker->len - at;
	char byte = bytes[below(maker, sizeof bytes - 1)];
	switch (below(maker, 5)) {
	case 0:
		maker->text[at] = byte;
		break;
	case 1:
		memmove(maker->text + at + 1, maker->text + at, tail);
		maker->text[at] = byte;
		maker->len++;
		break;
	case 2:
		memmove(maker->text + at, maker->text + at + 1, tail - 1);
		maker->len--;
		break;
	case 3: {
		size_t stretch = 1 + below(maker, tail < 20 ? tail : 20);
		memmove(maker->text + at + stretch, maker->text + at, tail);
		maker->len += stretch;
		break;
	}
	default:
		if (below(maker, 4) == 0)
			maker->len = at;
	}
}

/* Compares; returns whether the scanner accepts the text. */
static bool
compare(struct maker *maker)
{
	struct scan scan;
	struct slice copy = exact_copy((struct slice){maker->text, maker->len});
	bool accepted = scan_line(copy, &fields_standard, &scan) != SCAN_INVALID;
	const char *wrong = NULL;
	for (size_t n = 0; wrong == NULL && n < ORACLE_FIELDS; n++)
		wrong = oracle_compare(copy, oracle_fields(n));
	if (wrong != NULL)
		printf("# %s: %.*s\n", wrong, (int)copy.len, copy.data);
	exact_free(copy);
	CU_ASSERT_PTR_NULL_FATAL(wrong);
	return accepted;
}

static void
valid_documents(void)
{
	static struct maker maker;
	start(&maker);
	for (int i = 0; i < DOCUMENTS; i++) {
		make_document(&maker);
		bool accepted = compare(&maker);
		if (!accepted)
			printf("# rejected: %.*s\n", (int)maker.len, maker.text);
		CU_ASSERT_FATAL(accepted);
	}
}

static void
mutated_documents(void)
{
	static struct maker maker;
	int accepted = 0, rejected = 0;
	start(&maker);
	for (int i = 0; i < DOCUMENTS / MUTATIONS; i++) {
		make_document(&maker);
		for (int j = 0; j < MUTATIONS; j++) {
			mutate(&maker);
			*(compare(&maker) ? &accepted : &rejected) += 1;
		}
	}
	/* Both kinds were met, or nothing was tested. */
	CU_ASSERT(accepted > DOCUMENTS / 20);
	CU_ASSERT(rejected > DOCUMENTS / 20);
	printf("# %d accepted, %d rejected\n", accepted, rejected);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"valid documents", valid_documents},
		{"mutated documents", mutated_documents},
		{NULL, NULL},
	};
	return tap_main("oracle", cases);
}
