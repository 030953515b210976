/* SPDX-License-Identifier: ISC */
/* Any bytes as the inside of a string: where they are one, it is decoded as json-c decodes it. */
#include "core/decode.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A level is decoded by json-c, a message is not. */
static void
compare(struct slice inside)
{
	struct decoder decoder = {.tokener = NULL};
	struct slice level, message;
	if (decode_string(&decoder, DECODE_LEVEL, inside, &level) != 0 ||
		decode_string(&decoder, DECODE_MESSAGE, inside, &message) != 0)
		abort();
	if (!slice_equal(level, message)) {
		fprintf(stderr, "decoded otherwise: %.*s\n", (int)inside.len, inside.data);
		abort();
	}
	decoder_fini(&decoder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char head[] = "{\"message\":\"", tail[] = "\"}";
	enum { HEAD = sizeof head - 1, TAIL = sizeof tail - 1 };
	char *line = malloc(HEAD + size + TAIL);
	if (line == NULL)
		abort();
	memcpy(line, head, HEAD);
	if (size > 0)
		memcpy(line + HEAD, data, size);
	memcpy(line + HEAD + size, tail, TAIL);
	struct scan scan;
	struct slice text = {line, HEAD + size + TAIL};
	if (scan_line(text, &fields_standard, &scan) == SCAN_OBJECT && scan.message.is_string &&
		scan.message.text.data == line + HEAD && scan.message.text.len == size)
		compare(scan.message.text);
	free(line);
	return 0;
}
