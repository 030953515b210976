/* SPDX-License-Identifier: ISC */
/* Anonymous memory that children share with their parent. */
#include "shm/region.h"

#include <sys/mman.h>

void *
region_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void
region_unmap(void *memory, size_t size)
{
	if (memory != NULL)
		munmap(memory, size);
}

size_t
region_align(size_t size)
{
	return (size + REGION_LINE_BYTES - 1) & ~(size_t)(REGION_LINE_BYTES - 1);
}
