/* SPDX-License-Identifier: ISC */
/* Every directive of the table with good and bad values. */
#include "settings/value.h"

#include <ctype.h>

#include "unit/tap.h"

enum { GOOD_MAX = 6, BAD_MAX = 9 };

/* What is not in the table's own bounds and enumerations; those are tried for all. */
static const struct {
	const char *name;
	const char *good[GOOD_MAX]; /* print as they are */
	const char *bad[BAD_MAX];
} cases[] = {
	{"Listen", {"127.0.0.1:9000", "[::1]:0", "localhost:1"}, {"", "x", "::1:1", "1:65536"}},
	{"MinLogLevel", {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"},
		{"", "UNKNOWN", "INF", "INFO,", "2"}},
	{"LogDir", {"/var/log", ".", "\"a b\"", "\"a\\\\b\"", "\"\\${X}\"", "a#b"},
		{"", "a\nb", "\x7f"}},
	{"LogFilename", {"a", "..a", "\"#a\"", "a-%Y-%m-%d.log", "%%"},
		{"", "a/b", "/a", ".", "..", "a\tb", "a%"}},
	{"LogSync", {"none", "always", "1", "86400"},
		{"", "0", "-1", "86401", "1s", "nonee", "on"}},
	{"LogRotateSize", {"0", "1", "1099511627776"}, {"", "-1", "1099511627777", "1M"}},
	{"LogRotateKeep", {"1", "9999"}, {"", "0", "10000", "all"}},
	{"PidFile", {"/run/a.pid", "\"\""}, {"a\rb"}},
	{"ScoreBoardFile", {"/run/a", "\"\""}, {"a\x1b"}},
	{"ErrorLog", {"stderr", "syslog", "/var/log/a", "Logs"}, {"", "a\nb"}},
	{"User", {"root", "\"\""}, {"no-such-user", "root\n", "0x0"}},
	{"Group", {"root", "\"\""}, {"no-such-group", " root"}},
};

/* Sets; the value printed is in out.  What is refused must say something and change nothing. */
static bool
set(const struct directive *directive, const char *text, struct buf *out)
{
	static struct settings settings, before;
	struct buf scratch = {0};
	memset(&settings, 0, sizeof settings);
	memcpy(&before, &settings, sizeof settings);
	const char *wrong = directive->set(directive, &settings, text, &scratch);
	if (wrong != NULL) {
		CU_ASSERT_TRUE(strlen(wrong) > 10);
		CU_ASSERT_EQUAL(memcmp(&settings, &before, sizeof settings), 0);
	} else {
		buf_clear(out);
		CU_ASSERT_EQUAL(directive->print(directive, &settings, 0, out), 1);
		buf_string(out);
	}
	buf_fini(&scratch);
	return wrong == NULL;
}

/* The case's good values stand as a file says them; the setter gets them unquoted. */
static void
unquote(const char *word, char text[static 64])
{
	size_t len = 0;
	bool quoted = word[0] == '"';
	for (const char *c = word + quoted; *c != '\0' && !(quoted && c[1] == '\0'); c++) {
		if (quoted && *c == '\\')
			c++;
		text[len++] = *c;
	}
	text[len] = '\0';
}

static void
good_and_bad(void)
{
	struct buf out = {0};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct directive *directive = directive_find(cases[i].name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(directive);
		for (size_t j = 0; j < GOOD_MAX && cases[i].good[j] != NULL; j++) {
			char text[64];
			unquote(cases[i].good[j], text);
			CU_ASSERT_TRUE(set(directive, text, &out));
			CU_ASSERT_STRING_EQUAL(out.data, cases[i].good[j]);
		}
		for (size_t j = 0; j < BAD_MAX && cases[i].bad[j] != NULL; j++) {
			bool refused = !set(directive, cases[i].bad[j], &out);
			CU_ASSERT_TRUE(refused);
			if (!refused)
				printf("# %s takes '%s'\n", cases[i].name, cases[i].bad[j]);
		}
	}
	buf_fini(&out);
}

static void
try_number(const struct directive *directive, int64_t number, bool good)
{
	struct buf out = {0};
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)number);
	CU_ASSERT_EQUAL(set(directive, text, &out), good);
	if (good)
		CU_ASSERT_STRING_EQUAL(out.data, text);
	buf_fini(&out);
}

static void
numbers(void)
{
	static const char *const bad[] = {"", " ", "x", "1x", "1 1", "1.0", "0x10", "--1", "1e3",
		"99999999999999999999", "-99999999999999999999", "000000000000000000000000000001"};
	size_t count = 0;
	struct buf out = {0};
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->set != value_set_number)
			continue;
		count++;
		try_number(directive, directive->min, true);
		try_number(directive, directive->max, true);
		try_number(directive, directive->min - 1, false);
		try_number(directive, directive->max + 1, false);
		for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
			CU_ASSERT_FALSE(set(directive, bad[j], &out));
		CU_ASSERT_TRUE(set(directive, " 64 ", &out));
		CU_ASSERT_STRING_EQUAL(out.data, "64");
	}
	CU_ASSERT_EQUAL(count, 19);
	buf_fini(&out);
}

static void
booleans_and_choices(void)
{
	static const char *const bad[] = {"", "o", "onn", "|", "off|on", "on ", "1", "true", "yes"};
	size_t count = 0;
	struct buf out = {0};
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->set != value_set_choice && directive->set != value_set_boolean)
			continue;
		count++;
		for (const char *c = directive->argument; *c != '\0'; c += *c == '|') {
			char word[32];
			snprintf(word, sizeof word, "%.*s", (int)strcspn(c, "|"), c);
			CU_ASSERT_TRUE(set(directive, word, &out));
			CU_ASSERT_STRING_EQUAL(out.data, word);
			word[0] = (char)toupper((unsigned char)word[0]);
			CU_ASSERT_TRUE(set(directive, word, &out));
			c += strcspn(c, "|");
		}
		for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
			CU_ASSERT_FALSE(set(directive, bad[j], &out));
	}
	CU_ASSERT_EQUAL(count, 8);
	buf_fini(&out);
}

static void
texts_of_any_length(void)
{
	static char text[SETTINGS_PATH_MAX + 2];
	struct buf out = {0};
	for (size_t i = 0; i < directives_count; i++) {
		const struct directive *directive = &directives[i];
		if (directive->set != value_set_text && directive->set != value_set_filename &&
			directive->set != value_set_error_log)
			continue;
		memset(text, 'x', directive->size);
		text[directive->size] = '\0';
		CU_ASSERT_FALSE(set(directive, text, &out));
		text[directive->size - 1] = '\0';
		CU_ASSERT_TRUE(set(directive, text, &out));
		CU_ASSERT_STRING_EQUAL(out.data, text);
	}
	buf_fini(&out);
}

/* Equal settings are equal bytes, whatever stood there before. */
static void
nothing_is_left_behind(void)
{
	static struct settings once, twice;
	struct buf scratch = {0};
	const struct directive *dir = directive_find("LogDir");
	CU_ASSERT_PTR_NULL(dir->set(dir, &once, "/a", &scratch));
	CU_ASSERT_PTR_NULL(dir->set(dir, &twice, "/a/very/long/one", &scratch));
	CU_ASSERT_PTR_NULL(dir->set(dir, &twice, "/a", &scratch));
	CU_ASSERT_EQUAL(memcmp(&once, &twice, sizeof once), 0);
	buf_fini(&scratch);
}

int
main(void)
{
	static const struct tap_case tap_cases[] = {
		{"good and bad values of each type", good_and_bad},
		{"every number at and beyond its bounds", numbers},
		{"every word of every choice", booleans_and_choices},
		{"texts of the most bytes, and one more", texts_of_any_length},
		{"equal settings are equal bytes", nothing_is_left_behind},
		{NULL, NULL},
	};
	return tap_main("value", tap_cases);
}
