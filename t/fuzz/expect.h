/* SPDX-License-Identifier: ISC */
/* How a fuzzer's target says that a promise was broken. */
#ifndef T_FUZZ_EXPECT_H
#define T_FUZZ_EXPECT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void
expect(bool promise, const char *text)
{
	if (!promise) {
		fprintf(stderr, "broken: %s (errno: %s)\n", text, strerror(errno));
		abort();
	}
}

#define EXPECT(promise) expect(promise, #promise)

#endif
