/* SPDX-License-Identifier: ISC */
/* What the tests of settings share: loading a text and looking at its mistakes. */
#ifndef T_UNIT_TAP_SETTINGS_H
#define T_UNIT_TAP_SETTINGS_H

#include "settings/load.h"
#include "unit/tap.h"

/* A text called "conf", with an environment.  Returns the mistakes, "" for none; free() them. */
static inline char *
load_mistakes(const char *text, char *const *environment, struct settings_loaded *out)
{
	struct settings_sources sources = {.file = "conf", .environment = environment};
	struct buf errors = {0};
	size_t count = settings_load_text(&sources, slice_of(text), out, &errors);
	buf_string(&errors);
	size_t lines = 0;
	for (const char *c = errors.data; *c != '\0'; c++)
		lines += *c == '\n';
	CU_ASSERT_EQUAL(lines, count);
	return errors.data;
}

/* Asserts that the text has exactly these mistakes. */
static inline void
expect_mistakes(const char *text, char *const *environment, const char *expected)
{
	struct settings_loaded loaded;
	char *mistakes = load_mistakes(text, environment, &loaded);
	CU_ASSERT_STRING_EQUAL(mistakes, expected);
	if (strcmp(mistakes, expected) != 0)
		printf("# for: %s\n# got: %s\n# not: %s\n", text, mistakes, expected);
	if (mistakes[0] == '\0')
		settings_loaded_fini(&loaded);
	free(mistakes);
}

/* Asserts that the text is good; the caller frees what was loaded, where it returns true. */
static inline bool
load_good(const char *text, char *const *environment, struct settings_loaded *out)
{
	char *mistakes = load_mistakes(text, environment, out);
	bool good = mistakes[0] == '\0';
	CU_ASSERT_TRUE(good);
	if (!good)
		printf("# for: %s\n# got: %s\n", text, mistakes);
	free(mistakes);
	return good;
}

#endif
