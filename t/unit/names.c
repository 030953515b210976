/* SPDX-License-Identifier: ISC */
/* LevelField and MessageField: what they take, print and refuse. */
#include "settings/value.h"
#include "unit/tap.h"

/* Asserts what the row prints after it was given the text, or that it refuses with those words. */
static void
expect(const char *name, const char *text, const char *expected, bool good)
{
	static struct settings settings, before;
	struct buf scratch = {0}, out = {0};
	const struct directive *row = directive_find(name);
	memset(&settings, 0, sizeof settings);
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "old names", &scratch));
	before = settings;
	const char *wrong = row->set(row, &settings, text, &scratch);
	CU_ASSERT_EQUAL(wrong == NULL, good);
	if (wrong == NULL) {
		CU_ASSERT_EQUAL(row->print(row, &settings, 0, &out), 1);
		CU_ASSERT_EQUAL(row->print(row, &settings, 1, &out), 0);
		wrong = buf_string(&out);
	} else {
		CU_ASSERT_EQUAL(memcmp(&settings, &before, sizeof settings), 0);
	}
	CU_ASSERT_STRING_EQUAL(wrong, expected);
	if (strcmp(wrong, expected) != 0)
		printf("# %s %s: %s\n", name, text, wrong);
	buf_fini(&scratch);
	buf_fini(&out);
}

static void
taken(void)
{
	expect("LevelField", "severity", "severity", true);
	expect("LevelField", " severity \t log.level lvl ", "severity log.level lvl", true);
	expect("LevelField", "level", "level", true);
	expect("MessageField", "message", "message", true);
	expect("MessageField", "message msg", "message msg", true);
	expect("MessageField", "@m \"x #y a\\b", "@m \"\\\"x\" \"#y\" \"a\\\\b\"", true);
	expect("MessageField", "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8", true);
}

static void
refused(void)
{
	static const char longest[] =
		"a23456789012345678901234567890123456789012345678901234567890123";
	char longer[66];
	expect("LevelField", "", "'': a name is missing, write one as in severity", false);
	expect("LevelField", "a b a", "'a': stands twice, remove one of them", false);
	expect("LevelField", "1 2 3 4 5 6 7 8 9", "'9': 8 names are the most", false);
	expect("LevelField", "a \xff", "'\xff': a name must be UTF-8 without control characters",
		false);
	expect("LevelField", "a\x01", "'a\x01': a name must be UTF-8 without control characters",
		false);
	expect("LevelField", longest, longest, true);
	snprintf(longer, sizeof longer, "%s4", longest);
	char told[160];
	snprintf(told, sizeof told, "'%s': longer than 63 bytes, give a shorter name", longer);
	expect("LevelField", longer, told, false);
}

/* Settings that say the same are the same bytes, or a reload would find a change. */
static void
same_bytes(void)
{
	static struct settings one, other;
	struct buf scratch = {0};
	const struct directive *row = directive_find("LevelField");
	CU_ASSERT_PTR_NULL(row->set(row, &one, "level", &scratch));
	CU_ASSERT_PTR_NULL(row->set(row, &other, "lvl severity", &scratch));
	CU_ASSERT(memcmp(&one, &other, sizeof one) != 0);
	CU_ASSERT_PTR_NULL(row->set(row, &other, "level", &scratch));
	CU_ASSERT_EQUAL(memcmp(&one, &other, sizeof one), 0);
	CU_ASSERT_TRUE(fields_are_standard(&one.policy.fields));
	buf_fini(&scratch);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"names", taken},
		{"what they refuse", refused},
		{"the same names are the same bytes", same_bytes},
		{NULL, NULL},
	};
	return tap_main("names", cases);
}
