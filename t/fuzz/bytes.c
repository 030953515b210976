/* SPDX-License-Identifier: ISC */
/* Any bytes: all ways of searching them find the same, from wherever they begin. */
#include "base/bytes.h"

#include <stdint.h>
#include <stdlib.h>

enum { SEARCHES = 64 }; /* of one input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_odd(unsigned char c)
{
	return c < 0x20 || c > 0x7e || c == '"' || c == '\\';
}

static bool
is_suspect(unsigned char c)
{
	return c < 0x20 || c == 0x7f || c == 0xc2;
}

static void
compare(const unsigned char *at, struct span in)
{
	const unsigned char *odd = at, *suspect = at;
	while (odd < in.end && !is_odd(*odd))
		odd++;
	while (suspect < in.end && !is_suspect(*suspect))
		suspect++;
	if (bytes_find_odd(at, in) != odd || bytes_find_suspect(at, in) != suspect)
		abort();
	for (const struct bytes_way *way = bytes_ways; way->name != NULL; way++) {
		if (way->usable() &&
			(way->find_odd(at, in) != odd || way->find_suspect(at, in) != suspect))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = {data, data + size};
	for (size_t from = 0; from <= size; from += 1 + size / SEARCHES)
		compare(data + from, in);
	return 0;
}
