/* SPDX-License-Identifier: ISC */
/*
 * Messages are decoded here, because many have escapes and json-c takes longer for one than all else
 * takes for its line; levels, which seldom have any, are decoded by json-c.  Neither judges anything: the
 * scanner has done that.
 */
#include "core/decode.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

#include "base/hex.h"
#include "base/word.h"

enum {
	TOKENER_BYTES = 8192, /* about what json-c's parser holds */
	FIRST_BYTES = 256,
	REPLACEMENT = 0xfffd,
};

void
decoder_fini(struct decoder *decoder)
{
	json_object_put(decoder->values[DECODE_LEVEL]);
	free(decoder->values[DECODE_MESSAGE]);
	if (decoder->tokener != NULL)
		json_tokener_free(decoder->tokener);
	*decoder = (struct decoder){.tokener = NULL};
}

size_t
decoder_memory(const struct decoder *decoder)
{
	return decoder->message_bytes + (decoder->tokener != NULL ? TOKENER_BYTES : 0);
}

static bool
is_low_surrogate(const char *at, const char *end)
{
	return end - at >= 6 && at[0] == '\\' && at[1] == 'u' &&
	       (hex_unit(at + 2) & 0xfc00) == 0xdc00;
}

/* The character that a \u escape means, perhaps together with a second one; moves *at behind it. */
static unsigned
take_unicode(const char **at, const char *end)
{
	unsigned unit = (unsigned)hex_unit(*at + 2);
	*at += 6;
	if ((unit & 0xf800) != 0xd800)
		return unit;
	if ((unit & 0xfc00) == 0xdc00 || !is_low_surrogate(*at, end))
		return REPLACEMENT;
	unsigned low = (unsigned)hex_unit(*at + 2);
	*at += 6;
	return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
}

static char *
put_utf8(char *to, unsigned character)
{
	if (character < 0x80) {
		*to++ = (char)character;
		return to;
	}
	if (character < 0x800) {
		*to++ = (char)(0xc0 | character >> 6);
	} else {
		if (character < 0x10000) {
			*to++ = (char)(0xe0 | character >> 12);
		} else {
			*to++ = (char)(0xf0 | character >> 18);
			*to++ = (char)(0x80 | (character >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (character >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (character & 0x3f));
	return to;
}

/* Decodes the escape at *at and moves *at behind it.  By force: it is most of what a message with escapes costs. */
static inline __attribute__((always_inline)) char *
put_escape(char *to, const char **at, const char *end)
{
	static const char letters[256] = {['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t'};
	char kind = (*at)[1];
	if (kind == 'u')
		return put_utf8(to, take_unicode(at, end));
	*at += 2;
	*to++ = letters[(unsigned char)kind];
	return to;
}

char *
decode_escape(char *to, const char **at, const char *end)
{
	return put_escape(to, at, end);
}

/* No escape is shorter than what it means.  The room has a word to spare. */
static char *
put_decoded(char *to, struct slice inside)
{
	const char *at = inside.data, *end = at + inside.len;
	while (at < end) {
		if (*at == '\\') {
			to = put_escape(to, &at, end);
		} else if (end - at >= WORD_BYTES) {
			uint64_t backslash = word_equal(word_load(at), '\\');
			size_t before = backslash != 0 ? word_first(backslash) : WORD_BYTES;
			memcpy(to, at, WORD_BYTES);
			to += before;
			at += before;
		} else {
			*to++ = *at++;
		}
	}
	return to;
}

/* Room for a message, and nothing of the one before it. */
static char *
message_room(struct decoder *decoder, size_t bytes)
{
	if (decoder->message_bytes >= bytes)
		return decoder->values[DECODE_MESSAGE];
	size_t cap = bytes > FIRST_BYTES ? bytes + bytes / 2 : FIRST_BYTES;
	char *room = malloc(cap);
	if (room == NULL)
		return NULL;
	free(decoder->values[DECODE_MESSAGE]);
	decoder->values[DECODE_MESSAGE] = room;
	decoder->message_bytes = cap;
	return room;
}

static int
decode_message(struct decoder *decoder, struct slice inside, struct slice *out)
{
	char *room = message_room(decoder, inside.len + WORD_BYTES);
	if (room == NULL)
		return -1;
	*out = (struct slice){room, (size_t)(put_decoded(room, inside) - room)};
	return 0;
}

/* How many bytes the string is decoded to. */
static size_t
decoded_bytes(struct slice inside)
{
	const char *at = inside.data, *end = at + inside.len;
	size_t bytes = inside.len;
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		const char *escape = at;
		char ignored[4];
		bytes += (size_t)(put_escape(ignored, &at, end) - ignored);
		bytes -= (size_t)(at - escape);
	}
	return bytes;
}

static struct json_object *
parse(struct decoder *decoder, struct slice quoted)
{
	if (decoder->tokener == NULL)
		decoder->tokener = json_tokener_new_ex(1);
	if (decoder->tokener == NULL)
		return NULL;
	json_tokener_reset(decoder->tokener);
	return json_tokener_parse_ex(decoder->tokener, quoted.data, (int)quoted.len);
}

/* Decoded here; json-c only keeps it. */
static struct json_object *
make_value(struct slice inside)
{
	char *room = malloc(inside.len + WORD_BYTES);
	if (room == NULL)
		return NULL;
	size_t len = (size_t)(put_decoded(room, inside) - room);
	struct json_object *value = json_object_new_string_len(room, (int)len);
	free(room);
	return value;
}

/*
 * json-c 0.16 drops what it finds no memory for, without a word, and takes the characters U+1D800 to
 * U+1DFFF, and those like them of other planes, for unpaired surrogates: either makes its text shorter.
 */
static int
decode_level(struct decoder *decoder, struct slice inside, struct slice *out)
{
	json_object_put(decoder->values[DECODE_LEVEL]);
	struct json_object *value = parse(decoder, (struct slice){inside.data - 1, inside.len + 2});
	if (value == NULL || (size_t)json_object_get_string_len(value) != decoded_bytes(inside)) {
		json_object_put(value);
		value = make_value(inside);
	}
	decoder->values[DECODE_LEVEL] = value;
	if (value == NULL)
		return -1;
	*out = (struct slice){
		json_object_get_string(value), (size_t)json_object_get_string_len(value)};
	return 0;
}

int
decode_string(
	struct decoder *decoder, enum decode_place place, struct slice inside, struct slice *out)
{
	int status = -1;
	if (inside.len <= INT_MAX - 2)
		status = place == DECODE_LEVEL ? decode_level(decoder, inside, out)
		                               : decode_message(decoder, inside, out);
	if (status < 0)
		errno = ENOMEM;
	return status;
}
