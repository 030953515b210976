/* SPDX-License-Identifier: ISC */
/*
 * From text to the words of logical lines.
 *
 *	\ at the end of a line    joins the next one to it (not in comments)
 *	# where a word begins     comment up to the end of the line
 *	"two words"               one word; \" is " and \\ is \
 *	'two words'               one word; \' is ' and \\ is \, and ${ is itself
 *	${NAME}                   the variable's value, always within its word; \${ is ${
 *
 * Any other backslash is itself.  No heap, no system calls; thread-safe.
 */
#ifndef SETTINGS_LEX_H
#define SETTINGS_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	LEX_LINE_MAX = 8192, /* bytes of a logical line, before and after ${NAME} is replaced */
	LEX_WORDS_MAX = 40,  /* that are kept; further ones are counted */
};

struct lex {
	struct slice rest;        /* not yet read */
	size_t line;              /* number of the line that begins or goes on at rest, from 1 */
	char *const *environment; /* what ${NAME} is replaced from */
};

struct lex_line {
	size_t number; /* of the first of its lines; with an error, where it was seen */
	size_t count;  /* of words */
	const char *words[LEX_WORDS_MAX];
	const char *
		error; /* what is wrong and what would be right, or NULL; words are not to be used then */

	size_t raw_len, used;
	char message[256];
	char text[LEX_LINE_MAX]; /* the words, each with its NUL */
};

void lex_init(struct lex *lex, struct slice text, char *const *environment);

/* Reads the next logical line that has words or an error; false at the end of the text. */
bool lex_next(struct lex *lex, struct lex_line *line);

#endif
