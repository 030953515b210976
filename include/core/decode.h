/* SPDX-License-Identifier: ISC */
/*
 * Decodes JSON strings that the scanner has found valid.  \u0000 is kept, an unpaired
 * surrogate becomes U+FFFD.  A decoder keeps the last results; it allocates nothing until it is
 * first needed, and nothing for a message that is no longer than those before it.  One thread at a
 * time.
 */
#ifndef CORE_DECODE_H
#define CORE_DECODE_H

#include "base/slice.h"

struct json_tokener;

/* A decoder has a place for each value of a record that may need it at the same time. */
enum decode_place { DECODE_LEVEL, DECODE_MESSAGE, DECODE_PLACES };

struct decoder {
	struct json_tokener *tokener; /* json-c decodes the levels */
	void *values[DECODE_PLACES];  /* a level's struct json_object, a message's bytes */
	size_t message_bytes;         /* how many of them there is room for */
};

/* A zeroed struct is a decoder too. */
void decoder_fini(struct decoder *decoder);

/* How many bytes of heap the decoder holds, about. */
size_t decoder_memory(const struct decoder *decoder);

/*
 * Writes what the valid escape at *at means, up to four bytes, and moves *at behind it.  Returns the place behind
 * what it wrote.
 */
char *decode_escape(char *to, const char **at, const char *end);

/*
 * Decodes a valid JSON string, given as what stands between its quotes; the quotes are
 * there, before and behind it.  *out belongs to the decoder and holds until the same
 * place is decoded again.  0, or -1 with errno ENOMEM, also for more than INT_MAX bytes.
 */
int decode_string(
	struct decoder *decoder, enum decode_place place, struct slice inside, struct slice *out);

#endif
