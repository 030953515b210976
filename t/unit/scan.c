/* SPDX-License-Identifier: ISC */
/*
 * The scanner against tables of texts that are JSON and texts that are not, and what it
 * finds in those that are.  The comparison with json-c is in oracle.c.
 */
#include "core/scan.h"

#include "unit/exact.h"
#include "unit/tap.h"

#define TEXT(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static enum scan_result
scan_exact(struct slice text)
{
	struct scan scan;
	struct slice copy = exact_copy(text);
	enum scan_result result = scan_line(copy, &fields_standard, &scan);
	exact_free(copy);
	return result;
}

static void
expect_each(const struct slice *texts, size_t count, enum scan_result expected)
{
	for (size_t i = 0; i < count; i++) {
		enum scan_result result = scan_exact(texts[i]);
		if (result != expected)
			printf("# text %zu: %.*s\n", i, (int)texts[i].len, texts[i].data);
		CU_ASSERT_EQUAL(result, expected);
	}
}

/* Each text is a value: judged alone, in an array, in an object and as a member of one. */
static void
expect_values(const struct slice *values, size_t count, bool valid)
{
	static const struct {
		const char *before, *after;
		enum scan_result result;
	} places[] = {
		{"", "", SCAN_NOT_OBJECT},
		{" \t\r\n", " \t\r\n", SCAN_NOT_OBJECT},
		{"[", "]", SCAN_NOT_OBJECT},
		{"[0, ", " ,0]", SCAN_NOT_OBJECT},
		{"[{\"a\":", "}]", SCAN_NOT_OBJECT},
		{"{\"a\":", "}", SCAN_OBJECT},
		{"{\"level\" : ", " , \"message\":0}", SCAN_OBJECT},
		{"{\"a\":{\"b\":", ",\"c\":[]}}", SCAN_OBJECT},
	};
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < COUNT(places); j++) {
			char text[256];
			size_t before = strlen(places[j].before), after = strlen(places[j].after);
			memcpy(text, places[j].before, before);
			memcpy(text + before, values[i].data, values[i].len);
			memcpy(text + before + values[i].len, places[j].after, after);
			struct slice whole = {text, before + values[i].len + after};
			expect_each(&whole, 1, valid ? places[j].result : SCAN_INVALID);
		}
	}
}

static void
valid_literals_and_numbers(void)
{
	static const struct slice values[] = {TEXT("true"), TEXT("false"), TEXT("null"), TEXT("0"),
		TEXT("-0"), TEXT("1"), TEXT("-1"), TEXT("10"),
		TEXT("1234567890123456789012345678901234567890"), TEXT("0.0"), TEXT("-0.0"),
		TEXT("1.5"), TEXT("0.00000000000000000000001"), TEXT("1e5"), TEXT("1E5"),
		TEXT("1e+5"), TEXT("1E-5"), TEXT("1.25e007"), TEXT("0e0"), TEXT("0E+00"),
		TEXT("1e9999"), TEXT("-1e-9999"), TEXT("123.456e-78")};
	expect_values(values, COUNT(values), true);
}

static void
invalid_literals_and_numbers(void)
{
	static const struct slice values[] = {TEXT("tru"), TEXT("True"), TEXT("TRUE"),
		TEXT("truer"), TEXT("fals"), TEXT("nul"), TEXT("nulll"), TEXT("NULL"), TEXT("nil"),
		TEXT("undefined"), TEXT("NaN"), TEXT("nan"), TEXT("-NaN"), TEXT("Infinity"),
		TEXT("-Infinity"), TEXT("+Infinity"), TEXT("inf"), TEXT("1."), TEXT("-1."),
		TEXT("0."), TEXT(".5"), TEXT("-.5"), TEXT("01"), TEXT("-01"), TEXT("00"),
		TEXT("+1"), TEXT("++1"), TEXT("--1"), TEXT("-"), TEXT("+"), TEXT("."), TEXT("- 1"),
		TEXT("1e"), TEXT("1e+"), TEXT("1E-"), TEXT("1ee5"), TEXT("e5"), TEXT("1.e5"),
		TEXT("1e5.5"), TEXT("1e 5"), TEXT("0e"), TEXT("0x10"), TEXT("0b1"), TEXT("1_000"),
		TEXT("1.2.3"), TEXT("1 2"), TEXT("1-2"), TEXT("1a"), TEXT("0.1a"), TEXT("1e1a"),
		TEXT("\xef\xbc\x91"), TEXT("0\0"), TEXT("-\0"), TEXT("a"), TEXT("$")};
	expect_values(values, COUNT(values), false);
}

static void
valid_strings(void)
{
	static const struct slice values[] = {TEXT("\"\""), TEXT("\" \""), TEXT("\"a\""),
		TEXT("\"seven b\""), TEXT("\"eight by\""), TEXT("\"nine byte\""),
		TEXT("\"a text that is longer than two words of eight bytes\""), TEXT("\"'\""),
		TEXT("\"/\""), TEXT("\"\x7f\""), TEXT("\"{[,:]}\""), TEXT("\"//\""),
		TEXT("\"\\\"\""), TEXT("\"\\\\\""), TEXT("\"\\/\""), TEXT("\"\\b\\f\\n\\r\\t\""),
		TEXT("\"\\u0000\""), TEXT("\"\\u0022\""),
		TEXT("\"\\uABCD\\uabcd\\u0123\\u4567\\u89ef\""), TEXT("\"\\\\u12\""),
		TEXT("\"\\\\\\\"\""),
		/* surrogate escapes, paired or not */
		TEXT("\"\\ud83d\\ude00\""), TEXT("\"\\ud800\""), TEXT("\"\\udc00\""),
		TEXT("\"\\ud800\\ud800\""), TEXT("\"\\ud800x\""), TEXT("\"\\ud800\\n\""),
		TEXT("\"\\uDBFF\\uDFFF\""),
		/* the first and last character of each length of UTF-8 */
		TEXT("\"\xc2\x80\""), TEXT("\"\xdf\xbf\""), TEXT("\"\xe0\xa0\x80\""),
		TEXT("\"\xe0\xbf\xbf\""), TEXT("\"\xe1\x80\x80\""), TEXT("\"\xec\xbf\xbf\""),
		TEXT("\"\xed\x80\x80\""), TEXT("\"\xed\x9f\xbf\""), TEXT("\"\xee\x80\x80\""),
		TEXT("\"\xef\xbf\xbf\""), TEXT("\"\xf0\x90\x80\x80\""),
		TEXT("\"\xf0\xbf\xbf\xbf\""), TEXT("\"\xf1\x80\x80\x80\""),
		TEXT("\"\xf3\xbf\xbf\xbf\""), TEXT("\"\xf4\x80\x80\x80\""),
		TEXT("\"\xf4\x8f\xbf\xbf\""), TEXT("\"\xef\xbb\xbf\""),
		TEXT("\"\xe2\x80\xa8\xe2\x80\xa9\""),
		TEXT("\"gr\xc3\xbc\xc3\x9f gott \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80 end\"")};
	expect_values(values, COUNT(values), true);
}

static void
invalid_strings(void)
{
	static const struct slice values[] = {TEXT("\""), TEXT("\"a"), TEXT("\"a\"b\""),
		TEXT("a\""), TEXT("'a'"), TEXT("`a`"), TEXT("\"a'"), TEXT("\\\"a\\\""),
		TEXT("\xe2\x80\x9c"
		     "a\xe2\x80\x9d"),
		/* escapes */
		TEXT("\"\\\""), TEXT("\"\\x41\""), TEXT("\"\\a\""), TEXT("\"\\v\""),
		TEXT("\"\\0\""), TEXT("\"\\'\""), TEXT("\"\\U0041\""), TEXT("\"\\\0\""),
		TEXT("\"\\\n\""), TEXT("\"\\ \""), TEXT("\"\\u\""), TEXT("\"\\u1\""),
		TEXT("\"\\u12\""), TEXT("\"\\u123\""), TEXT("\"\\u\\\""), TEXT("\"\\uD8\""),
		TEXT("\"\\ud800\\u\""), TEXT("\"\\ud800\\u1\""), TEXT("\"\\u00g0\""),
		TEXT("\"\\u 123\""), TEXT("\"\\u+123\""), TEXT("\"\\u123:\""), TEXT("\"\\u123@\""),
		TEXT("\"\\u123/\""), TEXT("\"\\u123`\""), TEXT("\"\\u{41}\""),
		TEXT("\"\\\xc3\xbc\""),
		/* bytes that never stand in UTF-8, and continuations without a beginning */
		TEXT("\"\x80\""), TEXT("\"\xbf\""), TEXT("\"a\x80\""), TEXT("\"\xc0\xaf\""),
		TEXT("\"\xc1\xbf\""), TEXT("\"\xf5\x80\x80\x80\""),
		TEXT("\"\xf8\x88\x80\x80\x80\""), TEXT("\"\xfc\x84\x80\x80\x80\x80\""),
		TEXT("\"\xfe\""), TEXT("\"\xff\""),
		/* overlong */
		TEXT("\"\xe0\x80\xaf\""), TEXT("\"\xe0\x9f\xbf\""), TEXT("\"\xf0\x80\x80\xaf\""),
		TEXT("\"\xf0\x8f\xbf\xbf\""),
		/* surrogates, beyond U+10FFFF */
		TEXT("\"\xed\xa0\x80\""), TEXT("\"\xed\xbf\xbf\""),
		TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), TEXT("\"\xf4\x90\x80\x80\""),
		TEXT("\"\xf4\xbf\xbf\xbf\""),
		/* cut short */
		TEXT("\"\xc3\""), TEXT("\"\xc3x\""), TEXT("\"\xe2\x82\""), TEXT("\"\xe2\x82x\""),
		TEXT("\"\xe2x\x82\""), TEXT("\"\xf0\x9f\x98\""), TEXT("\"\xf0\x9f\x98x\""),
		TEXT("\"\xf0\x9fx\x98\""), TEXT("\"\xc3\xc3\xbc\""), TEXT("\"\xe2\x82\xc3\xbc\""),
		TEXT("\"\xf0\x9f\xc2\x98\"")};
	expect_values(values, COUNT(values), false);
}

/* Every raw control character, at every place of a word. */
static void
raw_controls(void)
{
	for (int place = 0; place < 20; place++) {
		for (int c = 0; c < 0x20; c++) {
			char text[] = "\"01234567890123456789\"";
			text[1 + place] = (char)c;
			struct slice value = {text, sizeof text - 1};
			expect_values(&value, 1, false);
		}
	}
}

static void
valid_structures(void)
{
	static const struct slice values[] = {TEXT("[]"), TEXT("[ ]"), TEXT("[[]]"),
		TEXT("[[],[]]"), TEXT("[[] , [ ] ]"), TEXT("[1,2,3]"), TEXT("[ 1 , 2 ]"),
		TEXT("[{}]"), TEXT("[{},{}]"), TEXT("[{\"a\":[]},[{\"b\":{}}]]"),
		TEXT("[null,true,\"x\",-1.5e3]"), TEXT("[\t\n\r 1\r]")};
	expect_values(values, COUNT(values), true);
	static const struct slice objects[] = {TEXT("{}"), TEXT("{ }"), TEXT(" {} "),
		TEXT("{\"\":0}"), TEXT("{\"a\":{}}"), TEXT("{\"a\":{\"b\":[{}]}}"),
		TEXT("{ \"a\" : 1 , \"a\" : 2 }"),
		TEXT("\r\n\t {\r\n\t \"a\"\r\n\t :\r\n\t 1\r\n\t }\r\n\t "),
		TEXT("{\"\\u0000\":1}"), TEXT("{\"\xc3\xbc\":1}"), TEXT("{\"a\\nb\":1}")};
	expect_each(objects, COUNT(objects), SCAN_OBJECT);
}

static void
invalid_structures(void)
{
	static const struct slice values[] = {TEXT(""), TEXT(","), TEXT(":"), TEXT("["), TEXT("]"),
		TEXT("{"), TEXT("}"), TEXT("[1,]"), TEXT("[,1]"), TEXT("[,]"), TEXT("[1,,2]"),
		TEXT("[1 2]"), TEXT("[1;2]"), TEXT("[1:2]"), TEXT("[1"), TEXT("[1,"), TEXT("[[]"),
		TEXT("[]]"), TEXT("[}"), TEXT("[1}"), TEXT("[\"a\":1]"), TEXT("{]"),
		TEXT("{\"a\":1]"), TEXT("{,}"), TEXT("{\"a\"}"), TEXT("{\"a\":}"),
		TEXT("{\"a\" 1}"), TEXT("{\"a\":1,}"), TEXT("{,\"a\":1}"),
		TEXT("{\"a\":1,,\"b\":2}"), TEXT("{\"a\":1 \"b\":2}"), TEXT("{\"a\":1;\"b\":2}"),
		TEXT("{\"a\"::1}"), TEXT("{\"a\":1:2}"), TEXT("{\"a\"=1}"), TEXT("{a:1}"),
		TEXT("{1:1}"), TEXT("{'a':1}"), TEXT("{null:1}"), TEXT("{[]:1}"), TEXT("{\"a\":1"),
		TEXT("{\"a\":"), TEXT("{\"a\""), TEXT("{\"a"), TEXT("{\"a\":[}"), TEXT("{\"a\":{}"),
		TEXT("{}}"), TEXT("{} {}"), TEXT("[] []"), TEXT("{} x"), TEXT("{}\0"),
		TEXT("{\"a\xff\":1}"), TEXT("{\"\\x\":1}"),
		/* comments, other white space, byte order marks, NUL */
		TEXT("1 // c"), TEXT("/* c */ 1"), TEXT("[1 /* c */]"), TEXT("[1 # c\n]"),
		TEXT("{}//"), TEXT("[\v1]"), TEXT("[\f1]"),
		TEXT("[\xc2\xa0"
		     "1]"),
		TEXT("[\xe2\x80\x83"
		     "1]"),
		TEXT("\xef\xbb\xbf{}"), TEXT("\xef\xbb\xbf"), TEXT("\xff\xfe{\0}\0"), TEXT("[\0]"),
		TEXT("\0"), TEXT("...")};
	/* What is alone or in a value's place; a lone comma or bracket could close a gap elsewhere.
	 */
	expect_each(values, COUNT(values), SCAN_INVALID);
}

static void
blank(void)
{
	static const struct slice texts[] = {
		TEXT(""), TEXT(" "), TEXT("\n"), TEXT(" \t\r\n \t\r\n "), TEXT("\v")};
	expect_each(texts, COUNT(texts), SCAN_INVALID);
	struct scan scan;
	CU_ASSERT_EQUAL(scan_line((struct slice){NULL, 0}, &fields_standard, &scan), SCAN_INVALID);
}

/* A valid document is invalid wherever it is cut, and its scan never reads behind the cut. */
static void
every_prefix(void)
{
	static const struct slice whole = TEXT(
		"{\"level\":\"ERR\\u004fR\",\"message\":\"gr\xc3\xbc\xc3\x9f "
		"\xe4\xbd\xa0 \xf0\x9f\x98\x80 \\ud83d\\ude00 and plain "
		"text\",\"n\":[-12.5e+10,true,false,null,{}]}");
	CU_ASSERT_EQUAL(scan_exact(whole), SCAN_OBJECT);
	for (size_t len = 0; len < whole.len; len++)
		CU_ASSERT_EQUAL(scan_exact((struct slice){whole.data, len}), SCAN_INVALID);
}

/* Nests arrays (0) and objects (1) as the bits of `kinds` say, over and over. */
static enum scan_result
scan_nested(int depth, unsigned kinds, bool filled)
{
	char text[2048];
	size_t len = 0;
	for (int i = 0; i < depth; i++) {
		bool last = i == depth - 1 && !filled;
		if ((kinds >> i % 32 & 1) == 0)
			text[len++] = '[';
		else
			len += (size_t)snprintf(text + len, 8, "%s", last ? "{" : "{\"a\":");
	}
	if (filled)
		text[len++] = '0';
	for (int i = depth - 1; i >= 0; i--)
		text[len++] = (kinds >> i % 32 & 1) == 0 ? ']' : '}';
	return scan_exact((struct slice){text, len});
}

static void
depth(void)
{
	static const unsigned kinds[] = {
		0, 0xffffffff, 0x55555555, 0xaaaaaaaa, 0x0000ffff, 0xdeadbeef};
	for (size_t i = 0; i < COUNT(kinds); i++) {
		enum scan_result outermost = (kinds[i] & 1) != 0 ? SCAN_OBJECT : SCAN_NOT_OBJECT;
		for (int filled = 0; filled < 2; filled++) {
			for (int deep = 1; deep <= SCAN_DEPTH_MAX; deep++)
				CU_ASSERT_EQUAL(
					scan_nested(deep, kinds[i], filled != 0), outermost);
			CU_ASSERT_EQUAL(scan_nested(SCAN_DEPTH_MAX + 1, kinds[i], filled != 0),
				SCAN_INVALID);
			CU_ASSERT_EQUAL(scan_nested(200, kinds[i], filled != 0), SCAN_INVALID);
		}
	}
	CU_ASSERT_EQUAL(SCAN_DEPTH_MAX, 128);
}

/* Closing brackets of the wrong kind, at each depth. */
static void
mismatched_brackets(void)
{
	for (int wrong = 0; wrong < 128; wrong++) {
		char text[257];
		for (int i = 0; i < 128; i++) {
			text[i] = '[';
			text[255 - i] = i == wrong ? '}' : ']';
		}
		struct slice nested = {text, 256};
		expect_each(&nested, 1, SCAN_INVALID);
	}
}

/* What a record's two members are found to be; NULL: absent.  A '"' in front says that it is a
 * string. */
static void
expect_members(const char *text, const char *level, const char *message)
{
	struct scan scan;
	struct slice copy = exact_copy(slice_of(text));
	CU_ASSERT_EQUAL_FATAL(scan_line(copy, &fields_standard, &scan), SCAN_OBJECT);
	const struct scan_value *found[] = {&scan.level, &scan.message};
	const char *expected[] = {level, message};
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(found[i]->present, expected[i] != NULL);
		if (expected[i] == NULL || !found[i]->present)
			continue;
		bool is_string = expected[i][0] == '"';
		struct slice value = slice_of(expected[i] + is_string);
		CU_ASSERT_EQUAL(found[i]->is_string, is_string);
		CU_ASSERT(slice_equal(found[i]->text, value));
		CU_ASSERT_EQUAL(found[i]->escaped, is_string && strchr(expected[i], '\\') != NULL);
	}
	exact_free(copy);
}

static void
members(void)
{
	expect_members("{}", NULL, NULL);
	expect_members("{\"level\":\"INFO\",\"message\":\"hi\"}", "\"INFO", "\"hi");
	expect_members("{ \"message\" : \"\" , \"x\" : 1 , \"level\" : \"a\" }", "\"a", "\"");
	expect_members("{\"level\":5,\"message\":null}", "5", "null");
	expect_members("{\"level\":-1.5e3 ,\"message\": true }", "-1.5e3", "true");
	expect_members("{\"level\":{\"a\":\"\\n\"},\"message\":[ 1, \"b\" ] }", "{\"a\":\"\\n\"}",
		"[ 1, \"b\" ]");
	expect_members("{\"level\":{},\"message\":[]}", "{}", "[]");
	expect_members("{\"level\":\"a\\nb\",\"message\":\"\\\"\"}", "\"a\\nb", "\"\\\"");
	expect_members("{\"level\":\"a\"}", "\"a", NULL);
	expect_members("{\"message\":\"a\"}", NULL, "\"a");
}

static void
names_exactly(void)
{
	expect_members("{\"Level\":1,\"MESSAGE\":1,\"level \":1,\" "
		       "level\":1,\"leve\":1,\"levels\":1,\"\":1}",
		NULL, NULL);
	expect_members(
		"{\"messag\":1,\"message\\u0000\":1,\"level\\n\":1,\"lev\\\\el\":1}", NULL, NULL);
	expect_members(
		"{\"level\\u0000\":1,\"\\u0000level\":1,\"\\/level\":1,\"leve\\/\":1}", NULL, NULL);
}

static void
top_level_only(void)
{
	expect_members("{\"a\":{\"level\":1,\"message\":2},\"b\":[{\"level\":3}]}", NULL, NULL);
	expect_members("{\"level\":1,\"message\":{\"level\":2,\"message\":3}}", "1",
		"{\"level\":2,\"message\":3}");
	expect_members("{\"a\":\"level\",\"b\":\"message\"}", NULL, NULL);
}

static void
last_one_wins(void)
{
	expect_members(
		"{\"level\":1,\"level\":\"b\",\"message\":\"x\\n\",\"message\":2}", "\"b", "2");
	expect_members("{\"level\":\"\\n\",\"message\":1,\"\\u006cevel\":\"c\"}", "\"c", "1");
	expect_members("{\"\\u006Cevel\":\"c\",\"level\":\"d\",\"message\":1}", "\"d", "1");
}

static void
escaped_names(void)
{
	expect_members("{\"\\u006c\\u0065\\u0076\\u0065\\u006c\":1,\"m\\u0065ssage\":2}", "1", "2");
	expect_members("{\"leve\\u006C\":1,\"messag\\u0065\":2}", "1", "2");
	expect_members("{\"\\u016cevel\":1,\"\\u004cevel\":1,\"\\u006cevel\\u0000\":1,"
		       "\"\\\\u006cevel\":1}",
		NULL, NULL);
	expect_members("{\"\\u006c\":1,\"\\u006ceve\":1,\"leve\\u006cl\":1}", NULL, NULL);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"literals and numbers", valid_literals_and_numbers},
		{"no literals and no numbers", invalid_literals_and_numbers},
		{"strings", valid_strings},
		{"no strings: escapes and UTF-8", invalid_strings},
		{"raw control characters", raw_controls},
		{"arrays and objects", valid_structures},
		{"no arrays and no objects", invalid_structures},
		{"blank texts are invalid", blank},
		{"every prefix is invalid", every_prefix},
		{"nesting of 128 passes, of 129 is invalid", depth},
		{"brackets must match", mismatched_brackets},
		{"level and message are found", members},
		{"names are matched exactly", names_exactly},
		{"only at the top level", top_level_only},
		{"the last one wins", last_one_wins},
		{"names may be escaped", escaped_names},
		{NULL, NULL},
	};
	return tap_main("scan", cases);
}
