/* SPDX-License-Identifier: ISC */
/* The shared mapping: zeroed, aligned, seen by children. */
#include "shm/region.h"

#include <stdatomic.h>
#include <stdint.h>

#include "lib/child.h"
#include "unit/tap.h"

static void
zeroed(void)
{
	unsigned char *memory = region_map(100001);
	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	CU_ASSERT_EQUAL((uintptr_t)memory % 4096, 0);
	unsigned char any = 0;
	for (size_t i = 0; i < 100001; i++)
		any |= memory[i];
	CU_ASSERT_EQUAL(any, 0);
	region_unmap(memory, 100001);
}

static void
write_there(void *arg)
{
	atomic_store((_Atomic int *)arg, 42);
}

static void
shared(void)
{
	_Atomic int *number = region_map(sizeof *number);
	CU_ASSERT_PTR_NOT_NULL_FATAL(number);
	CU_ASSERT(child_succeeded(child_start(write_there, number)));
	CU_ASSERT_EQUAL(atomic_load(number), 42);
	region_unmap(number, sizeof *number);
}

static void
refused(void)
{
	CU_ASSERT_PTR_NULL(region_map(0));
	CU_ASSERT_PTR_NULL(region_map(SIZE_MAX / 2));
	region_unmap(NULL, 1);
}

static void
aligned(void)
{
	CU_ASSERT_EQUAL(region_align(0), 0);
	CU_ASSERT_EQUAL(region_align(1), 64);
	CU_ASSERT_EQUAL(region_align(64), 64);
	CU_ASSERT_EQUAL(region_align(65), 128);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"memory is zeroed and begins on a page", zeroed},
		{"a child writes what its parent reads", shared},
		{"sizes that cannot be are refused", refused},
		{"sizes are rounded up to cache lines", aligned},
		{NULL, NULL},
	};
	return tap_main("region", cases);
}
