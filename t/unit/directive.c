/* SPDX-License-Identifier: ISC */
/* The table is whole: every row can be set, printed and explained, and the manual says the same. */
#include "settings/directive.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "settings/value.h"
#include "unit/tap.h"

static const char manual_page[] = "packaging/man/logcollectd.conf.5";
static const char item[] = "\n.It Ic ";

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
	CU_ASSERT_EQUAL(directives_count, 58);
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

/* The manual's source from the list of directives on, with its names behind `.It Ic `; free() it. */
static char *
read_manual(void)
{
	static char page[256 * 1024];
	FILE *file = fopen(manual_page, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	page[fread(page, 1, sizeof page - 1, file)] = '\0';
	CU_ASSERT_TRUE(feof(file));
	fclose(file);
	const char *from = strstr(page, "\n.Sh DIRECTIVES\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(from);
	char *end = strstr(from, "\n.El\n.Pp\nAn empty value");
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	*end = '\0';
	return strdup(from);
}

/* Whether the text about a row holds this; says so where it does not. */
static void __attribute__((format(printf, 3, 4)))
expect(const struct directive *row, const char *text, const char *format, ...)
{
	char wanted[128];
	va_list args;
	va_start(args, format);
	vsnprintf(wanted, sizeof wanted, format, args);
	va_end(args);
	bool found = strstr(text, wanted) != NULL;
	CU_ASSERT_TRUE(found);
	if (!found)
		printf("# %s: not in %s: %s\n", row->name, manual_page, wanted);
}

static void
expect_variables(const struct directive *row, const char *text)
{
	char names[64], *rest = names;
	snprintf(names, sizeof names, "%s", row->environment == NULL ? "" : row->environment);
	for (char *name; (name = strsep(&rest, " ")) != NULL && name[0] != '\0';)
		expect(row, text, "\n.Ev %s ", name);
	if (row->environment == NULL)
		CU_ASSERT_PTR_NULL(strstr(text, "\nEnvironment:"));
}

static void
expect_row(const struct directive *row, const char *text)
{
	static const char *const scopes[] = {
		[SCOPE_LIVE] = "live",
		[SCOPE_NEW_WORKERS] = "new workers",
		[SCOPE_RESTART] = "restart",
	};
	bool number = row->set == value_set_number || row->set == value_set_log_sync;
	if (row->set == NULL)
		return;
	if (row->default_value != NULL)
		expect(row, text, "\n.Pp\nDefault:\n.Li %s .\n", row->default_value);
	else
		expect(row, text, "\n.Pp\nDefault: ");
	if (number)
		expect(row, text, "\nRange: %" PRId64 " to %" PRId64 ".\n", row->min, row->max);
	expect_variables(row, text);
	expect(row, text, "\nScope: %s.", scopes[row->scope]);
}

/* Item by item: the manual has the rows of the table, all of them, in its order. */
static void
manual(void)
{
	char *page = read_manual();
	char *at = strstr(page, item);
	size_t rows_told = 0;
	for (; at != NULL && rows_told < directives_count; rows_told++) {
		const struct directive *row = &directives[rows_told];
		char *text = at + strlen(item);
		char *next = strstr(text, item);
		if (next != NULL)
			*next = '\0';
		size_t len = strcspn(text, " \n");
		bool same = len == strlen(row->name) && strncmp(text, row->name, len) == 0;
		CU_ASSERT_TRUE(same);
		if (!same)
			printf("# %s stands where the table has %s\n", text, row->name);
		expect_row(row, text);
		at = next;
	}
	CU_ASSERT_EQUAL(rows_told, directives_count);
	CU_ASSERT_PTR_NULL(at);
	free(page);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every row is complete", rows},
		{"defaults are written as they print", defaults_print_as_they_are},
		{"names in any case", find},
		{"all of it is in logcollectd.conf(5)", manual},
		{NULL, NULL},
	};
	return tap_main("directive", cases);
}
