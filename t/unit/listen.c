/* SPDX-License-Identifier: ISC */
/* Listen lines: endpoints with options, read and printed again. */
#include "core/listen.h"
#include "unit/tap.h"

static const char *
parse(const char *text, struct listen *out)
{
	struct slice word;
	return listen_parse(slice_of(text), out, &word);
}

static void
expect(const char *text, uint32_t options, uint32_t mode, const char *printed)
{
	struct listen listen = {0};
	struct buf out = {0};
	CU_ASSERT_PTR_NULL(parse(text, &listen));
	CU_ASSERT_EQUAL(listen.options, options);
	CU_ASSERT_EQUAL(listen.mode, mode);
	CU_ASSERT_EQUAL(listen_print(&listen, &out), 0);
	CU_ASSERT_STRING_EQUAL(buf_string(&out), printed);
	buf_fini(&out);
}

static void
good_lines(void)
{
	expect("9000", 0, LISTEN_MODE, "0.0.0.0:9000");
	expect("  [::1]:9443   TLS ", LISTEN_TLS, LISTEN_MODE, "[::1]:9443 tls");
	expect("fd@web gzip noack proxy tls",
		LISTEN_TLS | LISTEN_PROXY | LISTEN_NOACK | LISTEN_GZIP, LISTEN_MODE,
		"fd@web tls proxy noack gzip");
	expect("unix:/run/log.sock", 0, LISTEN_MODE, "unix:/run/log.sock");
	expect("unix:/run/log.sock Mode=0660 noack", LISTEN_NOACK, 0660,
		"unix:/run/log.sock noack mode=0660");
	expect("unix:/run/log.sock mode=600", 0, 0600, "unix:/run/log.sock mode=0600");
}

/* Asserts that a line is refused for this word, and that nothing was changed. */
static void
expect_wrong(const char *text, const char *blamed)
{
	static const struct listen none;
	struct listen listen = none;
	struct slice word;
	CU_ASSERT_PTR_NOT_NULL(listen_parse(slice_of(text), &listen, &word));
	CU_ASSERT(slice_equal(word, slice_of(blamed)));
	CU_ASSERT_EQUAL(memcmp(&listen, &none, sizeof none), 0);
}

static void
wrong_lines(void)
{
	expect_wrong("", "");
	expect_wrong("   ", "");
	expect_wrong("tls 9000", "tls");
	expect_wrong("9000 tlss", "tlss");
	expect_wrong("9000 tls ssl", "ssl");
	expect_wrong("9000 mode=0660", "mode=0660");
	expect_wrong("unix:log.sock", "unix:log.sock");
	expect_wrong("unix:/log.sock mode=", "mode=");
	expect_wrong("unix:/log.sock mode=0668", "mode=0668");
	expect_wrong("unix:/log.sock mode=1777", "mode=1777");
	expect_wrong("unix:/log.sock mode=00660", "mode=00660");
	expect_wrong("unix:/log.sock mode", "mode");
	expect_wrong("unix:/log.sock proxy", "");
}

static void
long_words(void)
{
	char text[2 * ENDPOINT_TEXT_MAX];
	memset(text, '1', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	expect_wrong(text, text);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"options in any order are printed in one", good_lines},
		{"a wrong word is named, nothing is changed", wrong_lines},
		{"a word that is longer than any address", long_words},
		{NULL, NULL},
	};
	return tap_main("listen", cases);
}
