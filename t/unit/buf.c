/* SPDX-License-Identifier: ISC */
/* The growing buffer: what is written stays, what fails changes nothing. */
#include "base/buf.h"

#include <errno.h>
#include <stdint.h>

#include "unit/tap.h"

static bool
holds(const struct buf *buf, const char *text)
{
	return slice_equal(buf_slice(buf), slice_of(text));
}

static void
grows(void)
{
	struct buf buf = {0};
	for (size_t i = 0; i < 100000; i++) {
		char c = (char)('a' + i % 26);
		CU_ASSERT_EQUAL_FATAL(buf_append(&buf, (struct slice){&c, 1}), 0);
		CU_ASSERT_FATAL(buf.len == i + 1 && buf.len <= buf.cap);
	}
	for (size_t i = 0; i < 100000; i++)
		CU_ASSERT_EQUAL_FATAL(buf.data[i], (char)('a' + i % 26));
	CU_ASSERT(buf.cap < 400000);
	buf_fini(&buf);
	CU_ASSERT(buf.data == NULL && buf.len == 0 && buf.cap == 0);
}

static void
reserves(void)
{
	struct buf buf = {0};
	char *first = buf_reserve(&buf, 100);
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	size_t cap = buf.cap;
	CU_ASSERT_PTR_EQUAL(buf_reserve(&buf, cap), first);
	CU_ASSERT_EQUAL(buf.cap, cap);
	CU_ASSERT_EQUAL(buf_append(&buf, slice_of("abc")), 0);
	CU_ASSERT_PTR_EQUAL(buf_reserve(&buf, cap - 3), first + 3);
	CU_ASSERT_EQUAL(buf.cap, cap);
	CU_ASSERT_PTR_NOT_NULL(buf_reserve(&buf, cap - 2));
	CU_ASSERT(buf.cap >= cap + 1 && holds(&buf, "abc"));
	buf_fini(&buf);
}

static void
reserves_nothing(void)
{
	struct buf buf = {0};
	CU_ASSERT_PTR_NOT_NULL(buf_reserve(&buf, 0));
	CU_ASSERT_EQUAL(buf_append(&buf, (struct slice){NULL, 0}), 0);
	CU_ASSERT_EQUAL(buf.len, 0);
	buf_fini(&buf);
}

static void
refuses(void)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 4};
	struct buf buf = {0};
	CU_ASSERT_EQUAL(buf_append(&buf, slice_of("abc")), 0);
	struct buf before = buf;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(buf_reserve(&buf, sizes[i]));
		CU_ASSERT_EQUAL(errno, ENOMEM);
		CU_ASSERT_EQUAL(memcmp(&buf, &before, sizeof buf), 0);
	}
	buf_fini(&buf);
}

static void
prints(void)
{
	struct buf buf = {0};
	CU_ASSERT_EQUAL(buf_printf(&buf, "%s=%d", "n", 7), 0);
	CU_ASSERT_EQUAL(buf_printf(&buf, ";"), 0);
	CU_ASSERT(holds(&buf, "n=7;"));
	CU_ASSERT_EQUAL(buf_printf(&buf, "%*s", 5000, "x"), 0);
	CU_ASSERT_EQUAL(buf.len, 5004);
	CU_ASSERT_EQUAL(buf.data[5003], 'x');
	buf_fini(&buf);
}

static void
strings(void)
{
	struct buf buf = {0};
	CU_ASSERT_STRING_EQUAL(buf_string(&buf), "");
	/* The NUL must find room at every fill of the first capacity. */
	for (size_t len = 1; len <= 600; len++) {
		CU_ASSERT_EQUAL(buf_append(&buf, slice_of("x")), 0);
		const char *text = buf_string(&buf);
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT(strlen(text) == len && buf.len == len);
	}
	buf_fini(&buf);
}

static void
clears(void)
{
	struct buf buf = {0};
	CU_ASSERT_EQUAL(buf_append(&buf, slice_of("abc")), 0);
	char *data = buf.data;
	size_t cap = buf.cap;
	buf_clear(&buf);
	CU_ASSERT(buf.len == 0 && buf.cap == cap && buf.data == data);
	CU_ASSERT_EQUAL(buf_append(&buf, (struct slice){"a\0b", 3}), 0);
	CU_ASSERT(slice_equal(buf_slice(&buf), (struct slice){"a\0b", 3}));
	buf_fini(&buf);
	CU_ASSERT_EQUAL(buf_append(&buf, slice_of("again")), 0);
	CU_ASSERT(holds(&buf, "again"));
	buf_fini(&buf);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"grows a byte at a time and keeps all", grows},
		{"reserving within the room keeps the pointer", reserves},
		{"nothing can be reserved and appended", reserves_nothing},
		{"sizes that cannot be are refused, the buffer as it was", refuses},
		{"printf appends, whatever the length", prints},
		{"a string has a NUL that len does not count", strings},
		{"clear keeps the memory, fini gives it back", clears},
		{NULL, NULL},
	};
	return tap_main("buf", cases);
}
