/* SPDX-License-Identifier: ISC */
/* Records as they stand in the file: three formats, control characters, the stamp. */
#include "core/format.h"

#include <time.h>

#include "unit/exact.h"
#include "unit/tap.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define STAMP        "2026-01-31T12:00:00.123456Z"

static const struct record usual = {
	.line = SLICE("{\"level\": \"err\", \"message\":\"disk\\u0020full\"}"),
	.level_text = SLICE("err"),
	.message = SLICE("disk full"),
	.level = LEVEL_ERROR,
};

static void
expect_record(enum log_format format, const struct record *record, struct slice expected)
{
	struct format_context context = {
		.stamp = STAMP, .client = SLICE("192.0.2.7"), .format = format};
	struct buf out = {.data = NULL};
	CU_ASSERT_EQUAL(buf_append(&out, slice_of("before\n")), 0);
	CU_ASSERT_EQUAL(format_record(&out, &context, record), 0);
	struct slice written = {out.data + 7, out.len - 7};
	bool equal = slice_equal(written, expected);
	if (!equal)
		printf("# %.*s# %.*s", (int)written.len, written.data, (int)expected.len,
			expected.data);
	CU_ASSERT(equal);
	CU_ASSERT_EQUAL(memcmp(out.data, "before\n", 7), 0);
	buf_fini(&out);
}

static void
three_formats(void)
{
	expect_record(LOG_FORMAT_TEXT, &usual, slice_of(STAMP " [ERROR] disk full\n"));
	expect_record(LOG_FORMAT_RAW, &usual,
		slice_of("{\"level\": \"err\", \"message\":\"disk\\u0020full\"}\n"));
	expect_record(LOG_FORMAT_JSON, &usual,
		slice_of("{\"time\": \"" STAMP
			 "\", \"client\": \"192.0.2.7\", \"level\": \"ERROR\", "
			 "\"record\": {\"level\": \"err\", \"message\":\"disk\\u0020full\"}}\n"));
}

static void
with_a_certificate(void)
{
	static const struct slice expected = SLICE(
		"{\"time\": \"" STAMP "\", \"client\": \"192.0.2.7\", \"subject\": \"CN=a\\\"b\", "
		"\"level\": \"ERROR\", \"record\": {\"level\": \"err\", "
		"\"message\":\"disk\\u0020full\"}}\n");
	struct format_context context = {.stamp = STAMP,
		.client = SLICE("192.0.2.7"),
		.subject = SLICE("CN=a\\\"b"),
		.format = LOG_FORMAT_JSON};
	struct buf out = {.data = NULL};
	CU_ASSERT_EQUAL(format_record(&out, &context, &usual), 0);
	CU_ASSERT_TRUE(slice_equal(buf_slice(&out), expected));
	buf_fini(&out);
}

static void
every_level(void)
{
	for (int level = LEVEL_DEBUG; level <= LEVEL_CRITICAL; level++) {
		struct record record = usual;
		record.level = (enum level)level;
		char text[128];
		const char *name = level_name(record.level).data;
		snprintf(text, sizeof text, STAMP " [%s] disk full\n", name);
		expect_record(LOG_FORMAT_TEXT, &record, slice_of(text));
		snprintf(text, sizeof text,
			"{\"time\": \"" STAMP
			"\", \"client\": \"192.0.2.7\", \"level\": \"%s\", \"record\": {}}\n",
			name);
		record.line = slice_of("{}");
		expect_record(LOG_FORMAT_JSON, &record, slice_of(text));
	}
}

static void
unknown_level(void)
{
	struct record record = usual;
	record.level = LEVEL_UNKNOWN;
	record.line = slice_of("{}");
	record.level_text = (struct slice)SLICE("l\"o/\\u\n\0d\x7f\xc2\x9b\xc3\xbc");
	expect_record(LOG_FORMAT_TEXT, &record,
		slice_of(STAMP " [l\"o/\\u\\n\\u0000d\\u007f\\u009b\xc3\xbc] disk full\n"));
	expect_record(LOG_FORMAT_JSON, &record,
		slice_of("{\"time\": \"" STAMP "\", \"client\": \"192.0.2.7\", \"level\": "
			 "\"l\\\"o/\\\\u\\n\\u0000d\x7f\xc2\x9b\xc3\xbc\", \"record\": {}}\n"));
	record.level_text = (struct slice)SLICE("");
	expect_record(LOG_FORMAT_TEXT, &record, slice_of(STAMP " [] disk full\n"));
	expect_record(LOG_FORMAT_JSON, &record,
		slice_of("{\"time\": \"" STAMP "\", \"client\": \"192.0.2.7\", \"level\": \"\", "
			 "\"record\": {}}\n"));
}

static void
expect_message(struct slice message, const char *expected)
{
	struct slice copy = exact_copy(message);
	struct record record = usual;
	record.message = copy;
	char text[256];
	snprintf(text, sizeof text, STAMP " [ERROR] %s\n", expected);
	expect_record(LOG_FORMAT_TEXT, &record, slice_of(text));
	exact_free(copy);
}

/* How a byte or a two-byte character is to be written. */
static void
expected_escape(int c, char escape[8])
{
	static const char shorts[] = "\b\t\n\f\r", letters[] = "btnfr";
	const char *place = c != 0 ? strchr(shorts, c) : NULL;
	if (place != NULL && c < 0x20)
		snprintf(escape, 8, "\\%c", letters[place - shorts]);
	else
		snprintf(escape, 8, "\\u%04x", (unsigned)c);
}

/* Every control character at every place of a word or two. */
static void
controls(void)
{
	static const char digits[] = "01234567890123456";
	for (int c = 0; c <= 0x9f; c++) {
		if (c >= 0x20 && c < 0x7f)
			continue;
		char escape[8], character[3] = {(char)c};
		expected_escape(c, escape);
		if (c >= 0x80)
			memcpy(character, (char[]){'\xc2', (char)c}, 2);
		size_t bytes = c >= 0x80 ? 2 : 1;
		for (int place = 0; place <= 17; place++) {
			char message[32], expected[32];
			memcpy(message, digits, (size_t)place);
			memcpy(message + place, character, bytes);
			memcpy(message + (size_t)place + bytes, &digits[place],
				(size_t)(17 - place));
			snprintf(expected, sizeof expected, "%.*s%s%s", place, digits, escape,
				&digits[place]);
			expect_message((struct slice){message, 17 + bytes}, expected);
		}
	}
}

static void
harmless(void)
{
	static const char *const messages[] = {
		"",
		"a",
		"a backslash \\n stays \\ as it is \"quoted\" /",
		" !~\xc2\xa0\xc2\xbf",                                    /* the neighbours */
		"\xc3\x80\xc3\x9f \xe2\x80\xa8 \xe4\xbd\xa0\xe5\xa5\xbd", /* continuations like C1's
	                                                                   */
		"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xed\x9f\xbf",
		"seven b",
		"eight by",
		"nine byte",
		"sixteen bytes ok",
	};
	for (size_t i = 0; i < COUNT(messages); i++)
		expect_message(slice_of(messages[i]), messages[i]);
	/* The last byte of a text that is no text: nothing may be read behind it. */
	expect_message((struct slice)SLICE("a\xc2"), "a\xc2");
}

static void
many_controls(void)
{
	expect_message((struct slice)SLICE("\n\n\r\n"), "\\n\\n\\r\\n");
	expect_message((struct slice)SLICE("\x1b[31mred\x1b[0m\xc2\x9b"
					   "2J\xc2\x9b"),
		"\\u001b[31mred\\u001b[0m\\u009b2J\\u009b");
	expect_message((struct slice)SLICE("forged\n2026-01-31T12:00:00.000000Z [INFO] x"),
		"forged\\n2026-01-31T12:00:00.000000Z [INFO] x");
}

static void
long_message(void)
{
	enum { BYTES = 3 << 20 };
	char *message = malloc(BYTES), *expected = malloc(BYTES + 64);
	CU_ASSERT_FATAL(message != NULL && expected != NULL);
	memset(message, 'x', BYTES);
	size_t head = (size_t)snprintf(expected, 64, STAMP " [ERROR] ");
	memset(expected + head, 'x', BYTES);
	expected[head + BYTES] = '\n';
	struct record record = usual;
	record.message = (struct slice){message, BYTES};
	expect_record(LOG_FORMAT_TEXT, &record, (struct slice){expected, head + BYTES + 1});
	free(message);
	free(expected);
}

static void
stamps(void)
{
	static const struct {
		int64_t wall_us;
		const char *stamp;
	} times[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1, "1970-01-01T00:00:00.000001Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{INT64_C(1769860800123456), "2026-01-31T12:00:00.123456Z"},
		{INT64_C(951782399999999), "2000-02-28T23:59:59.999999Z"},
		{INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
		{INT64_C(951868800000000), "2000-03-01T00:00:00.000000Z"},
		{INT64_C(4107542400000000), "2100-03-01T00:00:00.000000Z"},
		{INT64_C(4107542399000000), "2100-02-28T23:59:59.000000Z"},
		{INT64_C(2147483648000000), "2038-01-19T03:14:08.000000Z"},
		{INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z"},
		{INT64_C(-62167219200000001), "0000-01-01T00:00:00.000000Z"},
		{INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z"},
		{INT64_C(253402300800000000), "9999-12-31T23:59:59.999999Z"},
		{INT64_MIN, "0000-01-01T00:00:00.000000Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999999Z"},
	};
	for (size_t i = 0; i < COUNT(times); i++) {
		char stamp[FORMAT_STAMP_BYTES + 1];
		format_stamp(times[i].wall_us, stamp);
		CU_ASSERT_STRING_EQUAL(stamp, times[i].stamp);
	}
}

/* Every fifth day of the years 0000 to 9999 against the C library. */
static void
many_days(void)
{
	for (int64_t day = -719528; day <= 2932896; day += 5) {
		time_t second = day * 86400 + (day & 0xffff);
		struct tm tm;
		char stamp[FORMAT_STAMP_BYTES + 1], expected[96];
		gmtime_r(&second, &tm);
		snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000007Z",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		format_stamp((int64_t)second * 1000000 + 7, stamp);
		if (strcmp(stamp, expected) != 0) {
			printf("# %s %s\n", stamp, expected);
			CU_FAIL_FATAL("a day differs");
		}
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"text, raw, json", three_formats},
		{"the subject of a certificate, in JSON", with_a_certificate},
		{"every level", every_level},
		{"an accepted unknown level", unknown_level},
		{"every control character at every place", controls},
		{"harmless texts stay", harmless},
		{"no forged lines, no terminal driven", many_controls},
		{"a message of megabytes", long_message},
		{"stamps and their bounds", stamps},
		{"days of ten thousand years", many_days},
		{NULL, NULL},
	};
	return tap_main("format", cases);
}
