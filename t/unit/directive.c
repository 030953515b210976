/* SPDX-License-Identifier: ISC */
/* The table is whole: every row can be set, printed and explained. */
#include "settings/directive.h"

#include <ctype.h>

#include "unit/tap.h"

static void
rows(void)
{
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *row = &directives[i];
		CU_ASSERT_TRUE(strlen(row->argument) > 0);
		CU_ASSERT_TRUE(
			strlen(row->meaning) > 20 && row->meaning[strlen(row->meaning) - 1] == '.');
		CU_ASSERT_EQUAL(row->set == NULL, row->print == NULL);
		CU_ASSERT_EQUAL(row->set == NULL, strncmp(row->name, "Include", 7) == 0);
		CU_ASSERT_TRUE(row->min <= row->max || row->size > 0);
		CU_ASSERT_TRUE(row->offset < sizeof(struct settings));
	}
	CU_ASSERT_EQUAL(directives_count, 35);
}

static void
defaults_print_as_they_are(void)
{
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *row = &directives[i];
		struct settings settings = {0};
		struct buf scratch = {0}, out = {0};
		if (row->default_value != NULL) {
			CU_ASSERT_PTR_NULL(row->set(row, &settings, row->default_value, &scratch));
			CU_ASSERT_EQUAL(row->print(row, &settings, 0, &out), 1);
			CU_ASSERT_STRING_EQUAL(buf_string(&out), row->default_value);
			CU_ASSERT_EQUAL(row->print(row, &settings, 1, &out), 0);
		}
		buf_fini(&scratch);
		buf_fini(&out);
	}
}

static void
find(void)
{
	for (size_t i = 0; i < directives_count; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s", directives[i].name);
		CU_ASSERT_PTR_EQUAL(directive_find(name), &directives[i]);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		CU_ASSERT_PTR_EQUAL(directive_find(name), &directives[i]);
		name[strlen(name) - 1] = '\0';
		CU_ASSERT_PTR_NOT_EQUAL(directive_find(name), &directives[i]);
	}
	CU_ASSERT_PTR_NULL(directive_find(""));
	CU_ASSERT_PTR_NULL(directive_find("ListenListen"));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every row is complete", rows},
		{"defaults are written as they print", defaults_print_as_they_are},
		{"names in any case", find},
		{NULL, NULL},
	};
	return tap_main("directive", cases);
}
