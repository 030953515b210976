/* SPDX-License-Identifier: ISC */
/* Names of the settings: which member of a line is the level, which the message. */
#include "core/fields.h"

#include "core/scan.h"
#include "unit/exact.h"
#include "unit/tap.h"

static struct fields
fields_of(const char *level, const char *message)
{
	struct fields fields = fields_standard;
	struct slice word;
	CU_ASSERT_PTR_NULL(field_list_parse(
		slice_of(level), (struct slice)SLICE("level"), &fields.level, &word));
	CU_ASSERT_PTR_NULL(field_list_parse(
		slice_of(message), (struct slice)SLICE("message"), &fields.message, &word));
	return fields;
}

static void
expect_value(const struct scan_value *value, const char *expected)
{
	CU_ASSERT_EQUAL(value->present, expected != NULL);
	if (value->present && expected != NULL)
		CU_ASSERT(slice_equal(value->text, slice_of(expected)));
}

/* What is found as level and message; NULL: nothing. */
static void
expect(const struct fields *fields, const char *text, const char *level, const char *message)
{
	struct scan scan;
	struct slice copy = exact_copy(slice_of(text));
	CU_ASSERT_EQUAL_FATAL(scan_line(copy, fields, &scan), SCAN_OBJECT);
	expect_value(&scan.level, level);
	expect_value(&scan.message, message);
	exact_free(copy);
}

static void
first_present(void)
{
	struct fields fields = fields_of("severity lvl log.level", "msg log");
	expect(&fields, "{\"severity\":1,\"msg\":\"a\"}", "1", "a");
	expect(&fields, "{\"lvl\":2,\"severity\":1,\"log\":3,\"msg\":4}", "1", "4");
	expect(&fields, "{\"severity\":1,\"lvl\":2,\"msg\":4,\"log\":3}", "1", "4");
	expect(&fields, "{\"log.level\":3,\"lvl\":2,\"log\":3}", "2", "3");
	/* of one name the last one, also where a worse name came between */
	expect(&fields, "{\"severity\":1,\"lvl\":2,\"severity\":5}", "5", NULL);
	expect(&fields, "{\"lvl\":1,\"lvl\":2,\"log\":3,\"log\":4}", "2", "4");
	/* present is present, whatever it is */
	expect(&fields, "{\"severity\":null,\"lvl\":\"INFO\",\"msg\":\"\",\"log\":\"x\"}", "null",
		"");
}

static void
exact_names(void)
{
	struct fields fields = fields_of("log.level", "msg");
	expect(&fields, "{\"log.level\":\"a\",\"msg\":\"b\"}", "a", "b");
	expect(&fields, "{\"log\":{\"level\":\"a\",\"log.level\":1},\"Msg\":\"b\"}", NULL, NULL);
	expect(&fields, "{\"level\":\"a\",\"message\":\"b\"}", NULL, NULL);
	expect(&fields, "{\"log.leve\":1,\"log.levels\":1,\"logxlevel\":1,\"\":1}", NULL, NULL);
	expect(&fields, "{}", NULL, NULL);
}

static void
escaped_names(void)
{
	struct fields fields = fields_of("gr\xc3\xb6"
					 "sse a/b",
		"\xf0\x9f\x98\x80 a\"b");
	expect(&fields, "{\"gr\\u00f6sse\":1,\"\\uD83D\\uDE00\":2}", "1", "2");
	expect(&fields, "{\"a\\/b\":1,\"a\\\"b\":2}", "1", "2");
	expect(&fields, "{\"\\u0061/b\":1,\"a\\u0022b\":2}", "1", "2");
	expect(&fields, "{\"a\\u002fb\\u0000\":1,\"\\ud83d\":2}", NULL, NULL);
	expect(&fields_standard, "{\"l\\u0065vel\":1,\"m\\u0065ssage\":2}", "1", "2");
	expect(&fields_standard, "{\"level\\n\":1,\"\\/message\":2}", NULL, NULL);
}

/* Names that grow beyond all that are known, as they stand and escaped. */
static void
long_names(void)
{
	char name[64], text[2048];
	memset(name, 'n', sizeof name - 1);
	name[63] = '\0';
	struct fields fields = fields_of(name, "message");
	for (size_t extra = 0; extra < 80; extra++) {
		char more[81] = "";
		memset(more, 'n', extra);
		const char *expected = extra == 0 ? "1" : NULL;
		snprintf(text, sizeof text, "{\"%s%s\":1}", name, more);
		expect(&fields, text, expected, NULL);
		snprintf(text, sizeof text, "{\"\\u006e%s%s\":1}", name + 1, more);
		expect(&fields, text, expected, NULL);
		snprintf(text, sizeof text, "{\"%s%s\\ud83d\\ude00\":1}", name, more);
		expect(&fields, text, NULL, NULL);
	}
}

static void
both_lists(void)
{
	struct fields fields = fields_of("text level", "text");
	expect(&fields, "{\"level\":1,\"text\":\"x\\n\"}", "x\\n", "x\\n");
	expect(&fields, "{\"level\":1}", "1", NULL);
}

static void
one_list(void)
{
	struct fields fields = fields_of("level", "msg");
	CU_ASSERT_FALSE(fields_are_standard(&fields));
	expect(&fields, "{\"level\":1,\"msg\":2,\"message\":3}", "1", "2");
	fields = fields_of("lvl", "message");
	expect(&fields, "{\"level\":1,\"lvl\":2,\"message\":3}", "2", "3");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the first name that is present counts", first_present},
		{"names are matched exactly, at the top", exact_names},
		{"names with escapes", escaped_names},
		{"names that are too long", long_names},
		{"a name of both lists", both_lists},
		{"one list of two", one_list},
		{NULL, NULL},
	};
	return tap_main("fields", cases);
}
