/* SPDX-License-Identifier: ISC */
/* The type of TLSProtocols: words, each of them a bit. */
#include "base/reason.h"
#include "core/tls.h"
#include "settings/mistake.h"
#include "settings/value.h"

static const struct {
	struct slice name;
	enum tls_protocol protocol;
} protocols[] = {
	{SLICE("TLSv1.2"), TLS_PROTOCOL_1_2},
	{SLICE("TLSv1.3"), TLS_PROTOCOL_1_3},
};

/* 0: there is none of that name. */
static int32_t
find(struct slice word)
{
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (slice_equal_nocase(word, protocols[i].name))
			return (int32_t)protocols[i].protocol;
	}
	return 0;
}

const char *
value_set_tls_protocols(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	struct slice words = slice_of(text), word;
	int32_t found = 0, all = 0;
	while (slice_next_word(&words, &word)) {
		found = find(word);
		all |= found;
		if (found == 0)
			break;
	}
	if (found == 0)
		return reason_format(scratch,
			"must be TLSv1.2, TLSv1.3 or both with a space between, not '%.64s'; what "
			"is older is not safe",
			text);
	settings->tls_protocols = all;
	return NULL;
}

int
value_print_tls_protocols(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	const char *before = "";
	int failed = 0;
	if (index > 0)
		return 0;
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if ((settings->tls_protocols & (int32_t)protocols[i].protocol) == 0)
			continue;
		failed |= buf_printf(out, "%s%s", before, protocols[i].name.data);
		before = " ";
	}
	return failed == 0 ? 1 : -1;
}
