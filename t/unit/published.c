/* SPDX-License-Identifier: ISC */
/* Published values are read whole, in order, and survive a writer that is killed. */
#include "shm/published.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "lib/child.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { NUMBERS = 301, READINGS = 5000, READERS = 2 };

/* Every number says the same, so that a torn value shows.  Its size is no multiple of a word. */
struct value {
	uint32_t numbers[NUMBERS];
	char odd[3];
};

static struct published *
published_new(size_t bytes)
{
	struct published *published = region_map(published_size(bytes));
	CU_ASSERT_PTR_NOT_NULL_FATAL(published);
	published_init(published, bytes);
	return published;
}

static void
set_all(struct value *value, uint32_t number)
{
	for (size_t i = 0; i < NUMBERS; i++)
		value->numbers[i] = number;
	memset(value->odd, (int)(number & 0x7f), sizeof value->odd);
}

static bool
is_whole(const struct value *value)
{
	for (size_t i = 1; i < NUMBERS; i++)
		if (value->numbers[i] != value->numbers[0])
			return false;
	for (size_t i = 0; i < sizeof value->odd; i++)
		if (value->odd[i] != (char)(value->numbers[0] & 0x7f))
			return false;
	return true;
}

static void
generations(void)
{
	struct published *published = published_new(sizeof(struct value));
	struct value value;
	CU_ASSERT_EQUAL(published_generation(published), 0);
	CU_ASSERT_EQUAL(published_read(published, &value, sizeof value), 0);
	CU_ASSERT_EQUAL(value.numbers[NUMBERS - 1], 0);
	for (uint32_t i = 1; i <= 3; i++) {
		set_all(&value, 100 + i);
		CU_ASSERT_EQUAL(published_write(published, &value, sizeof value), i);
		CU_ASSERT_EQUAL(published_generation(published), i);
		set_all(&value, 0);
		CU_ASSERT_EQUAL(published_read(published, &value, sizeof value), i);
		CU_ASSERT(is_whole(&value) && value.numbers[0] == 100 + i);
	}
	region_unmap(published, published_size(sizeof value));
}

/* Nothing is written or read beyond the value's last byte. */
static void
ends(void)
{
	char in[9] = "abcdefg", out[9] = "........";
	for (size_t bytes = 1; bytes <= 8; bytes++) {
		struct published *published = published_new(bytes);
		memset(out, '.', sizeof out);
		published_write(published, in, bytes);
		published_read(published, out, bytes);
		CU_ASSERT(memcmp(in, out, bytes) == 0);
		CU_ASSERT_EQUAL(out[bytes], '.');
		region_unmap(published, published_size(bytes));
	}
}

struct reader {
	struct published *published;
	_Atomic uint32_t *left; /* readers that have not read enough */
};

/* Each value is whole, is that of its generation, and none is older than the one before. */
static void
read_many(void *arg)
{
	struct reader *reader = arg;
	uint64_t last = 0;
	for (uint32_t changes = 0; changes < READINGS;) {
		struct value value;
		uint64_t generation = published_read(reader->published, &value, sizeof value);
		if (generation < last || !is_whole(&value) ||
			value.numbers[0] != (uint32_t)generation)
			_exit(1);
		changes += generation > last;
		last = generation;
	}
}

static void
read_and_tell(void *arg)
{
	struct reader *reader = arg;
	pid_t pid = child_start(read_many, reader);
	bool well = child_succeeded(pid);
	atomic_fetch_sub(reader->left, 1);
	_exit(!well);
}

static void
concurrent(void)
{
	struct value value;
	struct reader reader = {published_new(sizeof value), region_map(sizeof *reader.left)};
	pid_t readers[READERS];
	*reader.left = READERS;
	for (int i = 0; i < READERS; i++)
		readers[i] = child_start(read_and_tell, &reader);
	for (uint32_t i = 1; *reader.left > 0; i++) {
		set_all(&value, i);
		published_write(reader.published, &value, sizeof value);
	}
	for (int i = 0; i < READERS; i++)
		CU_ASSERT(child_succeeded(readers[i]));
	region_unmap(reader.published, published_size(sizeof value));
	region_unmap(reader.left, sizeof *reader.left);
}

enum { FEW = 20, STRIDE = 7, KILLING_MS = 500 };

static void
write_third(void *arg)
{
	const char value[FEW] = "3333333333333333333";
	raise(SIGSTOP);
	published_write(arg, value, sizeof value);
}

/* Kills the third writer after so many machine instructions.  How many there were; -1 where tracing is
 * forbidden. */
static long
kill_writer(long steps)
{
	struct published *published = published_new(FEW);
	char value[FEW];
	for (int i = 1; i <= 2; i++) {
		memset(value, '0' + i, FEW - 1);
		value[FEW - 1] = '\0';
		published_write(published, value, FEW);
	}
	long ran = child_killed_after(write_third, published, steps);
	uint64_t generation = published_read(published, value, FEW);
	CU_ASSERT(generation == 2 || generation == 3);
	CU_ASSERT_EQUAL(strlen(value), FEW - 1);
	CU_ASSERT_EQUAL(strspn(value, generation == 2 ? "2" : "3"), FEW - 1);
	region_unmap(published, published_size(FEW));
	return ran;
}

static void
killed(void)
{
	long total = kill_writer(1000000);
	if (total < 0)
		tap_skip("tracing is forbidden here");
	int64_t deadline_ms = clock_mono_ms() + KILLING_MS;
	for (long first = 1; first <= STRIDE; first++) {
		for (long steps = first; steps < total && clock_mono_ms() < deadline_ms;
			steps += STRIDE)
			kill_writer(steps);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"each write is another generation", generations},
		{"values of any size", ends},
		{"every reading is whole while the writer goes on", concurrent},
		{"a writer killed anywhere leaves a whole value", killed},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("published", cases);
}
