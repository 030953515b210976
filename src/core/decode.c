/* SPDX-License-Identifier: ISC */
/*
 * json-c decodes the strings.  It judges nothing here: the scanner has done that, and json-c in its
 * strict mode would pass too much anyway.
 */
#include "core/decode.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

#include "base/hex.h"

void
decoder_fini(struct decoder *decoder)
{
	for (int place = 0; place < DECODE_PLACES; place++)
		json_object_put(decoder->values[place]);
	if (decoder->tokener != NULL)
		json_tokener_free(decoder->tokener);
	*decoder = (struct decoder){.tokener = NULL};
}

static bool
is_low_surrogate(const char *at, const char *end)
{
	return end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
	       (hex_unit(at + 2) & 0xfc00) == 0xdc00;
}

/* How many bytes the escape at *at is decoded to; moves *at behind it. */
static size_t
escape_bytes(const char **at, const char *end)
{
	if ((*at)[1] != 'u') {
		*at += 2;
		return 1;
	}
	int unit = hex_unit(*at + 2);
	*at += 6;
	if (unit < 0x800)
		return unit < 0x80 ? 1 : 2;
	if ((unit & 0xfc00) != 0xd800 || !is_low_surrogate(*at, end))
		return 3;
	*at += 6;
	return 4;
}

/* How many bytes the string is decoded to. */
static size_t
decoded_bytes(struct slice inside)
{
	const char *at = inside.data, *end = at + inside.len;
	size_t bytes = inside.len;
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		const char *escape = at;
		bytes += escape_bytes(&at, end);
		bytes -= (size_t)(at - escape);
	}
	return bytes;
}

static struct json_object *
parse(struct decoder *decoder, struct slice quoted)
{
	if (decoder->tokener == NULL)
		decoder->tokener = json_tokener_new_ex(1);
	if (decoder->tokener == NULL || quoted.len > INT_MAX)
		return NULL;
	json_tokener_reset(decoder->tokener);
	return json_tokener_parse_ex(decoder->tokener, quoted.data, (int)quoted.len);
}

int
decode_string(
	struct decoder *decoder, enum decode_place place, struct slice inside, struct slice *out)
{
	json_object_put(decoder->values[place]);
	struct json_object *value = parse(decoder, (struct slice){inside.data - 1, inside.len + 2});
	decoder->values[place] = value;
	if (value == NULL) {
		errno = ENOMEM;
		return -1;
	}
	*out = (struct slice){
		json_object_get_string(value), (size_t)json_object_get_string_len(value)};
	/* json-c 0.16 drops what it finds no memory for, without a word. */
	if (out->len != decoded_bytes(inside)) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}
