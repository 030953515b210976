/* SPDX-License-Identifier: ISC */
/*
 * Cuts text into logical lines and words, byte by byte through peek() and take(), which hide the
 * continuations.  The first error of a line is kept; its rest is still read, to get to the next line.
 */
#include "settings/lex.h"

#include <ctype.h>

#include "settings/environment.h"

enum { END = -1, NAME_BYTES_MAX = 128 };

static const char too_long[] = "the line is longer than 8192 bytes, which are the most";
static const char nul_byte[] = "a NUL byte, this is no text file";

_Static_assert(LEX_LINE_MAX == 8192, "too_long says so");

void
lex_init(struct lex *lex, struct slice text, char *const *environment)
{
	*lex = (struct lex){.rest = text, .line = 1, .environment = environment};
}

static void
fail(struct lex_line *line, const char *error)
{
	if (line->error == NULL)
		line->error = error;
}

/* An error that stands in the present line, not in the first of the logical one. */
static void
fail_here(const struct lex *lex, struct lex_line *line, const char *error)
{
	if (line->error == NULL)
		line->number = lex->line;
	fail(line, error);
}

static void
skip(struct lex *lex, size_t bytes)
{
	lex->rest.data += bytes;
	lex->rest.len -= bytes;
}

/* How many bytes at the front join two lines, 0 when they do not. */
static size_t
continuation(struct slice rest)
{
	if (rest.len >= 2 && memcmp(rest.data, "\\\n", 2) == 0)
		return 2;
	return rest.len >= 3 && memcmp(rest.data, "\\\r\n", 3) == 0 ? 3 : 0;
}

/* The next byte of the logical line, or END. */
static int
peek(struct lex *lex)
{
	for (size_t joint; (joint = continuation(lex->rest)) > 0; lex->line++)
		skip(lex, joint);
	if (lex->rest.len == 0 || lex->rest.data[0] == '\n')
		return END;
	return (unsigned char)lex->rest.data[0];
}

/* Takes the byte that peek() showed, which was not END. */
static char
take(struct lex *lex, struct lex_line *line)
{
	char c = lex->rest.data[0];
	if (c == '\0')
		fail_here(lex, line, nul_byte);
	if (++line->raw_len > LEX_LINE_MAX)
		fail_here(lex, line, too_long);
	skip(lex, 1);
	return c;
}

static void
put(struct lex_line *line, char c)
{
	if (line->used < sizeof line->text - 1)
		line->text[line->used++] = c;
	else
		fail(line, too_long);
}

/* At the brace of ${NAME}. */
static void
replace(struct lex *lex, struct lex_line *line)
{
	char name[NAME_BYTES_MAX + 1];
	size_t len = 0;
	take(lex, line);
	for (int c = peek(lex); c == '_' || isalnum(c); c = peek(lex)) {
		name[len] = take(lex, line);
		if (len == NAME_BYTES_MAX)
			fail(line, "the name in ${NAME} is longer than 128 bytes");
		else
			len++;
	}
	name[len] = '\0';
	if (len == 0 || peek(lex) != '}') {
		fail(line, "${ without a name and }, write ${NAME}, or \\${ for the characters "
			   "themselves");
		return;
	}
	take(lex, line);
	const char *value = environment_get(lex->environment, (struct slice){name, len});
	if (value == NULL && line->error == NULL) {
		snprintf(line->message, sizeof line->message,
			"${%s} is not set in the environment, set it or write \\${ for the "
			"characters themselves",
			name);
		line->error = line->message;
	}
	for (; value != NULL && *value != '\0'; value++)
		put(line, *value);
}

static void
put_dollar(struct lex *lex, struct lex_line *line)
{
	take(lex, line);
	if (peek(lex) == '{')
		replace(lex, line);
	else
		put(line, '$');
}

/* `quote` is what the word stands in, '\0' for nothing. */
static void
put_backslash(struct lex *lex, struct lex_line *line, char quote)
{
	take(lex, line);
	int next = peek(lex);
	if (quote != '\0' && (next == quote || next == '\\')) {
		put(line, take(lex, line));
	} else if (quote != '\'' && next == '$') {
		take(lex, line);
		if (peek(lex) != '{')
			put(line, '\\');
		put(line, '$');
		if (peek(lex) == '{')
			put(line, take(lex, line));
	} else {
		put(line, '\\');
	}
}

static void
read_byte(struct lex *lex, struct lex_line *line, char quote)
{
	int c = peek(lex);
	if (c == '\\')
		put_backslash(lex, line, quote);
	else if (c == '$' && quote != '\'')
		put_dollar(lex, line);
	else
		put(line, take(lex, line));
}

static bool
at_space(struct lex *lex)
{
	int c = peek(lex);
	return c != END && slice_is_space((char)c);
}

static void
read_quoted(struct lex *lex, struct lex_line *line)
{
	char quote = take(lex, line);
	while (peek(lex) != END && peek(lex) != quote)
		read_byte(lex, line, quote);
	if (peek(lex) == END) {
		fail(line, quote == '"' ? "a word lacks its closing \""
					: "a word lacks its closing '");
		return;
	}
	take(lex, line);
	if (peek(lex) != END && !at_space(lex))
		fail(line, "white space must follow a quoted word");
}

static void
read_bare(struct lex *lex, struct lex_line *line)
{
	while (peek(lex) != END && !at_space(lex))
		read_byte(lex, line, '\0');
}

static void
read_word(struct lex *lex, struct lex_line *line)
{
	const char *word = line->text + line->used;
	int c = peek(lex);
	if (c == '"' || c == '\'')
		read_quoted(lex, line);
	else
		read_bare(lex, line);
	/* Also where there is no room left, so that every word ends. */
	line->used -= line->used == sizeof line->text;
	line->text[line->used++] = '\0';
	if (line->count < LEX_WORDS_MAX)
		line->words[line->count] = word;
	line->count++;
}

/* Without continuation: a comment that ends in \ must not swallow the directive below it. */
static void
skip_comment(struct lex *lex, struct lex_line *line)
{
	const char *newline = memchr(lex->rest.data, '\n', lex->rest.len);
	size_t len = newline != NULL ? (size_t)(newline - lex->rest.data) : lex->rest.len;
	if (memchr(lex->rest.data, '\0', len) != NULL)
		fail_here(lex, line, nul_byte);
	if (len > LEX_LINE_MAX)
		fail_here(lex, line, too_long);
	skip(lex, len);
}

static void
read_line(struct lex *lex, struct lex_line *line)
{
	for (;;) {
		while (at_space(lex))
			take(lex, line);
		int c = peek(lex);
		if (c == END)
			return;
		if (c == '#') {
			skip_comment(lex, line);
			return;
		}
		read_word(lex, line);
	}
}

bool
lex_next(struct lex *lex, struct lex_line *line)
{
	while (lex->rest.len > 0) {
		line->number = lex->line;
		line->count = line->raw_len = line->used = 0;
		line->error = NULL;
		read_line(lex, line);
		if (lex->rest.len > 0) {
			skip(lex, 1);
			lex->line++;
		}
		if (line->count > 0 || line->error != NULL)
			return true;
	}
	return false;
}
