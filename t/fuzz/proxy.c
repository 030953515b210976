/* SPDX-License-Identifier: ISC */
/* Any bytes as a PROXY header: what it is becomes clear at one byte, whatever follows and however it was cut. */
#include "core/proxy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* From a copy of its own, so that no byte behind it can be read unseen. */
static enum proxy_result
parse(const uint8_t *data, size_t size, struct proxy *proxy)
{
	char *copy = malloc(size + (size == 0));
	must(copy != NULL);
	memcpy(copy, data, size);
	enum proxy_result result = proxy_parse((struct slice){copy, size}, proxy);
	free(copy);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy whole = {.consumed = 0}, part = {.consumed = 0};
	if (size == 0)
		return 0;
	enum proxy_result result = parse(data, size, &whole);
	must(result != PROXY_MORE || size < PROXY_MAX);
	if (result == PROXY_OK) {
		must(whole.consumed > 0 && whole.consumed <= size && whole.consumed <= PROXY_MAX);
		must(!whole.told || address_is_ip(&whole.client));
	}
	for (size_t len = 0; len < size; len++) {
		enum proxy_result then = parse(data, len, &part);
		if (result == PROXY_OK && len >= whole.consumed)
			must(then == PROXY_OK && part.consumed == whole.consumed &&
				part.told == whole.told &&
				(!part.told || address_equal(&part.client, &whole.client)));
		else if (result == PROXY_INVALID)
			must(then != PROXY_OK);
		else
			must(then == PROXY_MORE);
		if (len > 256) /* long ones are seldom worth so many looks */
			len += size / 64;
	}
	return 0;
}
