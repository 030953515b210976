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
	const char *wrong = oracle_compare((struct slice){(const char *)data, size});
	if (wrong != NULL) {
		fprintf(stderr, "%s: %.*s\n", wrong, (int)size, (const char *)data);
		abort();
	}
	return 0;
}
