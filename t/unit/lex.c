/* SPDX-License-Identifier: ISC */
/* Words, quotes, continuations, comments, ${NAME}; line numbers; hostile text. */
#include "settings/lex.h"

#include "unit/tap.h"

static char *environment[] = {(char[]){"A=one"}, (char[]){"B_2=two words"}, (char[]){"EMPTY="},
	(char[]){"LATER=\"#${A}\\"}, NULL};

/* All lines as "number:[word][word]" or "number:!", one after the other. */
static void
expect(const char *data, size_t len, const char *expected)
{
	struct lex lex;
	static struct lex_line line;
	char got[512];
	size_t used = 0;
	lex_init(&lex, (struct slice){data, len}, environment);
	while (lex_next(&lex, &line)) {
		used += (size_t)snprintf(got + used, sizeof got - used, "%zu:%s", line.number,
			line.error != NULL ? "!" : "");
		for (size_t i = 0; line.error == NULL && i < line.count && i < LEX_WORDS_MAX; i++)
			used += (size_t)snprintf(
				got + used, sizeof got - used, "[%s]", line.words[i]);
	}
	got[used] = '\0';
	CU_ASSERT_STRING_EQUAL(got, expected);
	if (strcmp(got, expected) != 0)
		printf("# for: %s\n# got: %s\n# not: %s\n", data, got, expected);
}

struct text_case {
	const char *text, *expected;
};

static void
expect_all(const struct text_case *cases)
{
	for (; cases->text != NULL; cases++)
		expect(cases->text, strlen(cases->text), cases->expected);
}

static void
words(void)
{
	static const struct text_case cases[] = {
		{"", ""},
		{"\n\n  \n", ""},
		{"a b", "1:[a][b]"},
		{"a b\n", "1:[a][b]"},
		{"\t a \t b  \r\n\nc\n", "1:[a][b]3:[c]"},
		{"a 'b c' \"d e\"", "1:[a][b c][d e]"},
		{"a '' \"\"", "1:[a][][]"},
		{"a \"b\\\"c\\\\\"", "1:[a][b\"c\\]"},
		{"a 'b\\'c\\\\'", "1:[a][b'c\\]"},
		{"a 'b\"c' \"d'e\"", "1:[a][b\"c][d'e]"},
		{"a 'b\\\"c' \"d\\'e\"", "1:[a][b\\\"c][d\\'e]"},
		{"a it's C:\\dir\\x", "1:[a][it's][C:\\dir\\x]"},
		{"a b c d e", "1:[a][b][c][d][e]"},
		{NULL, NULL},
	};
	expect_all(cases);
}

/* The first ones are kept, all are counted. */
static void
many_words(void)
{
	char text[2 * LEX_WORDS_MAX + 16] = "";
	struct lex lex;
	static struct lex_line line;
	for (int i = 0; i < LEX_WORDS_MAX + 3; i++)
		snprintf(text + 2 * i, sizeof text - 2 * (size_t)i, "%c ", 'a' + i % 26);
	lex_init(&lex, slice_of(text), environment);
	CU_ASSERT(lex_next(&lex, &line));
	CU_ASSERT_EQUAL(line.count, LEX_WORDS_MAX + 3);
	CU_ASSERT_EQUAL(line.words[LEX_WORDS_MAX - 1][0], 'a' + (LEX_WORDS_MAX - 1) % 26);
}

static void
comments(void)
{
	static const struct text_case cases[] = {
		{"# a", ""},
		{"#\na # b\n", "2:[a]"},
		{"a b#c", "1:[a][b#c]"},
		{"a '#b' \"#\"", "1:[a][#b][#]"},
		{"# a \\\nb\n", "2:[b]"},
		{"a \\\n# b\nc", "1:[a]3:[c]"},
		{"# \" ' ${NONE}\na", "2:[a]"},
		{NULL, NULL},
	};
	expect_all(cases);
}

static void
continuations(void)
{
	static const struct text_case cases[] = {
		{"a \\\n b\nc", "1:[a][b]3:[c]"},
		{"a \\\r\n b\r\nc", "1:[a][b]3:[c]"},
		{"a\\\nb c", "1:[ab][c]"},
		{"a \"b \\\nc\"\n\nd", "1:[a][b c]4:[d]"},
		{"a \\\n\nb", "1:[a]3:[b]"},
		{"a b\\\n", "1:[a][b]"},
		{"a b\\", "1:[a][b\\]"},
		{"a \\ \nb", "1:[a][\\]2:[b]"},
		{"\\\n\\\n\\\na\nb", "1:[a]5:[b]"},
		{"a $\\\n{A}", "1:[a][one]"},
		{NULL, NULL},
	};
	expect_all(cases);
}

static void
variables(void)
{
	static const struct text_case cases[] = {
		{"a ${A}", "1:[a][one]"},
		{"${A} x${A}y${A}", "1:[one][xoneyone]"},
		{"a ${B_2} \"-${B_2}-\"", "1:[a][two words][-two words-]"},
		{"a ${EMPTY}", "1:[a][]"},
		{"a ${LATER}", "1:[a][\"#${A}\\]"},
		{"a '${A}' \\${A} \"\\${A}\"", "1:[a][${A}][${A}][${A}]"},
		{"a \"\\\\${A}\"", "1:[a][\\one]"},
		{"a '\\${A}' '$A'", "1:[a][\\${A}][$A]"},
		{"a $ $A $$ \\$A", "1:[a][$][$A][$$][\\$A]"},
		{"\\$A \"\\$A\" \\$${A}", "1:[\\$A][\\$A][\\$one]"},
		{"a ${NONE}\nb", "1:!2:[b]"},
		{"a ${\nb", "1:!2:[b]"},
		{"a ${}\nb", "1:!2:[b]"},
		{"a ${A\nb", "1:!2:[b]"},
		{"a ${A B}\nb", "1:!2:[b]"},
		{NULL, NULL},
	};
	expect_all(cases);
}

static void
broken_words(void)
{
	static const struct text_case cases[] = {
		{"a \"b\nc d", "1:!2:[c][d]"},
		{"a 'b\nc d", "1:!2:[c][d]"},
		{"a 'b'c\nd", "1:!2:[d]"},
		{"a \"b\\\"\nd", "1:!2:[d]"},
		{"a \\\n \"b\nc", "1:!3:[c]"},
		{NULL, NULL},
	};
	expect_all(cases);
}

static void
nul_bytes(void)
{
	expect("a\0b\nc", 5, "1:!2:[c]");
	expect("\n# a\0b\nc", 8, "2:!3:[c]");
	expect("a \\\n\0\nc", 7, "2:!3:[c]");
	expect("a '\0'\nc", 7, "1:!2:[c]");
	expect("a \0", 3, "1:!");
}

static void
long_lines(void)
{
	static char text[3 * LEX_LINE_MAX];
	for (size_t len = LEX_LINE_MAX - 2; len <= LEX_LINE_MAX + 2; len++) {
		struct lex lex;
		static struct lex_line line;
		memset(text, 'x', len);
		memcpy(text + len, "\nb", 3);
		lex_init(&lex, slice_of(text), NULL);
		CU_ASSERT_TRUE(lex_next(&lex, &line));
		CU_ASSERT_EQUAL(line.error == NULL, len < LEX_LINE_MAX);
		CU_ASSERT_TRUE(lex_next(&lex, &line));
		CU_ASSERT_EQUAL(line.number, 2);
		CU_ASSERT_STRING_EQUAL(line.words[0], "b");
		memset(text, ' ', len);
		text[0] = '#';
		lex_init(&lex, slice_of(text), NULL);
		CU_ASSERT_TRUE(lex_next(&lex, &line));
		CU_ASSERT_EQUAL(line.error == NULL, len <= LEX_LINE_MAX);
	}
	memset(text, ' ', LEX_LINE_MAX / 2);
	memcpy(text, "a \\\n", 4);
	memset(text + LEX_LINE_MAX / 2, 'y', LEX_LINE_MAX);
	memcpy(text + LEX_LINE_MAX / 2 + LEX_LINE_MAX, "\nb", 3);
	expect(text, strlen(text), "2:!3:[b]");
}

/* A long value many times must not run over the room for words. */
static void
long_values(void)
{
	static char variable[LEX_LINE_MAX] = "V=";
	char *values[] = {variable, NULL};
	static const char text[] = "a${V} ${V}x ${V}\nb";
	struct lex lex;
	static struct lex_line line;
	memset(variable + 2, 'v', sizeof variable - 3);
	lex_init(&lex, slice_of(text), values);
	CU_ASSERT_TRUE(lex_next(&lex, &line));
	CU_ASSERT_PTR_NOT_NULL(line.error);
	CU_ASSERT_TRUE(strlen(line.words[0]) < LEX_LINE_MAX);
	CU_ASSERT_TRUE(lex_next(&lex, &line));
	CU_ASSERT_STRING_EQUAL(line.words[0], "b");
	CU_ASSERT_FALSE(lex_next(&lex, &line));
}

static void
long_names(void)
{
	char text[300] = "${";
	memset(text + 2, 'N', 200);
	memcpy(text + 202, "}\nb", 4);
	expect(text, strlen(text), "1:!2:[b]");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"words, bare and quoted", words},
		{"comments, and what is none", comments},
		{"continuations and line numbers behind them", continuations},
		{"variables", variables},
		{"broken words spoil their own line only", broken_words},
		{"NUL bytes", nul_bytes},
		{"long lines", long_lines},
		{"long values of variables", long_values},
		{"long names of variables", long_names},
		{"more words than are kept", many_words},
		{NULL, NULL},
	};
	return tap_main("lex", cases);
}
