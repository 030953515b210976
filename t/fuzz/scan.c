/* SPDX-License-Identifier: ISC */
/* Any bytes as a line: the scanner against json-c.  libFuzzer gives blocks of their exact size. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t n = 0; n < ORACLE_FIELDS; n++) {
		const char *wrong = oracle_compare(
			(struct slice){(const char *)data, size}, oracle_fields(n));
		if (wrong != NULL) {
			fprintf(stderr, "%s, names %zu: %.*s\n", wrong, n, (int)size,
				(const char *)data);
			abort();
		}
	}
	return 0;
}
