/* SPDX-License-Identifier: ISC */
/* Reads and writes Listen lines, word by word. */
#include "core/listen.h"

#include <string.h>

enum { MODE_DIGITS = 4 };

static const struct {
	struct slice name;
	enum listen_option option;
} options[] = {
	{SLICE("tls"), LISTEN_TLS},
	{SLICE("proxy"), LISTEN_PROXY},
	{SLICE("noack"), LISTEN_NOACK},
	{SLICE("gzip"), LISTEN_GZIP},
};

static const char *
parse_endpoint(struct slice word, struct endpoint *out)
{
	char text[ENDPOINT_TEXT_MAX] = {0};
	if (word.len >= sizeof text)
		return "longer than any address";
	memcpy(text, word.data, word.len);
	return strncmp(text, "unix:", 5) == 0 ? endpoint_parse_local(text, out)
	                                      : endpoint_parse(text, out);
}

/* The file's mode in octal, with or without a zero in front. */
static const char *
parse_mode(struct slice digits, struct listen *out)
{
	uint32_t mode = 0;
	bool good = digits.len > 0 && digits.len <= MODE_DIGITS;
	for (size_t i = 0; good && i < digits.len; i++) {
		good = digits.data[i] >= '0' && digits.data[i] <= '7';
		mode = mode * 8 + (uint32_t)(digits.data[i] - '0');
	}
	if (!good || mode > 0777)
		return "the mode must be octal, from 0000 to 0777, as in mode=0660";
	if (endpoint_local_path(&out->endpoint) == NULL)
		return "only a unix:/path has a mode";
	out->mode = mode;
	return NULL;
}

static const char *
parse_option(struct slice word, struct listen *out)
{
	static const struct slice mode = SLICE("mode=");
	if (word.len >= mode.len && slice_equal_nocase((struct slice){word.data, mode.len}, mode))
		return parse_mode((struct slice){word.data + mode.len, word.len - mode.len}, out);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (slice_equal_nocase(word, options[i].name)) {
			out->options |= options[i].option;
			return NULL;
		}
	}
	return "an option must be tls, proxy, noack, gzip, or mode=0660 of a unix:/path";
}

const char *
listen_parse(struct slice text, struct listen *out, struct slice *word)
{
	struct listen listen = {.mode = LISTEN_MODE};
	if (!slice_next_word(&text, word))
		return "an address is missing, write one as in 127.0.0.1:9000";
	const char *wrong = parse_endpoint(*word, &listen.endpoint);
	while (wrong == NULL && slice_next_word(&text, word))
		wrong = parse_option(*word, &listen);
	if (wrong == NULL && (listen.options & LISTEN_PROXY) != 0 &&
		endpoint_local_path(&listen.endpoint) != NULL)
		wrong = "a unix:/path takes no proxy, who connects there has no address that "
			"ProxyTrusted could name";
	if (wrong == NULL)
		memcpy(out, &listen, sizeof listen);
	return wrong;
}

int
listen_print(const struct listen *listen, struct buf *out)
{
	char text[ENDPOINT_TEXT_MAX];
	int failed = buf_append(out, slice_of(endpoint_format(&listen->endpoint, text)));
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (listen->options & options[i].option)
			failed |= buf_printf(out, " %s", options[i].name.data);
	}
	if (listen->mode != LISTEN_MODE)
		failed |= buf_printf(out, " mode=%04o", listen->mode);
	return failed;
}
