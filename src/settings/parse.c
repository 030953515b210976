/* SPDX-License-Identifier: ISC */
/*
 * Follows the lines of a file to the directives and the Includes to further files.  The files on the
 * way to the one being read form a chain, by which a cycle is found and named.
 */
#include "settings/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/reason.h"
#include "settings/lex.h"

/* A text that is being read; lives on the stack of the one that reads it. */
struct source {
	const char *name;    /* path or what stands for it */
	struct slice folder; /* with its last '/'; empty: the working directory */
	bool may_include;    /* the folder is known */
	bool numbered;       /* lines have numbers */
	dev_t dev;           /* identity, where it is a file */
	ino_t ino;
	const struct source *includer; /* NULL: the first */
	size_t depth;
};

static void read_source(struct parse *parse, const struct source *source, struct slice text);

/* "file:line", or the name alone; NULL when there is no memory. */
static const char *
write_place(const struct source *source, size_t number, struct buf *place)
{
	buf_clear(place);
	int failed = source->numbered ? buf_printf(place, "%s:%zu", source->name, number)
	                              : buf_printf(place, "%s", source->name);
	return failed ? NULL : buf_string(place);
}

/* 0, or -1 with errno (EFBIG: more than a configuration has). */
static int
read_all(int fd, struct buf *text)
{
	for (;;) {
		if (text->len > PARSE_FILE_BYTES_MAX) {
			errno = EFBIG;
			return -1;
		}
		char *room = buf_reserve(text, 16384);
		if (room == NULL)
			return -1;
		ssize_t got = read(fd, room, 16384);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		text->len += got > 0 ? (size_t)got : 0;
	}
}

/* Opens the file and notes its identity.  0, or -1 with errno. */
static int
read_file(struct source *source, struct buf *text)
{
	struct stat status = {0};
	int fd = open(source->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	int failed = fstat(fd, &status);
	if (failed == 0)
		failed = read_all(fd, text);
	source->dev = status.st_dev;
	source->ino = status.st_ino;
	int error = errno;
	close(fd);
	errno = error;
	return failed;
}

static struct slice
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return (struct slice){path, slash != NULL ? (size_t)(slash - path) + 1 : 0};
}

static bool
includes_itself(const struct source *source)
{
	for (const struct source *up = source->includer; up != NULL; up = up->includer) {
		if (up->ino == source->ino && up->dev == source->dev && up->numbered)
			return true;
	}
	return false;
}

/* "a cycle: c.conf is included by b.conf, which is included by c.conf". */
static const char *
describe_cycle(const struct source *source, struct buf *message)
{
	buf_clear(message);
	int failed = buf_printf(message, "a cycle, take it out: %s is included by", source->name);
	const struct source *up = source->includer;
	for (; up->ino != source->ino || up->dev != source->dev; up = up->includer)
		failed |= buf_printf(message, " %s, which is included by", up->name);
	failed |= buf_printf(message, " %s", up->name);
	const char *text = buf_string(message);
	return failed || text == NULL ? "a cycle of files, take it out" : text;
}

/*
 * A FIFO or a terminal would keep us waiting, perhaps for ever, for what is no configuration.  The first file may
 * be one, as in -f <(...), and /dev/null is a way to say that there is none.
 */
static bool
is_no_file(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return false; /* open() will say why */
	return S_ISFIFO(status.st_mode) ||
	       (S_ISCHR(status.st_mode) && status.st_rdev != makedev(1, 3));
}

/* Reads one included file.  Returns NULL, or why not; the file's own mistakes are collected. */
static const char *
include_file(
	struct parse *parse, const char *path, const struct source *includer, struct buf *scratch)
{
	struct source source = {.name = path,
		.folder = folder_of(path),
		.may_include = true,
		.numbered = true,
		.includer = includer,
		.depth = includer->depth + 1};
	struct buf text = {0};
	const char *wrong = NULL;
	if (is_no_file(path))
		wrong = reason_format(scratch, "%s is no regular file, name one", path);
	else if (read_file(&source, &text) != 0)
		wrong = reason_format(scratch, "cannot open %s: %s", path, mistake_errno(errno));
	else if (includes_itself(&source))
		wrong = describe_cycle(&source, scratch);
	else if (source.depth > PARSE_DEPTH_MAX)
		wrong = "files include files more than 16 deep, make that flatter";
	else
		read_source(parse, &source, buf_slice(&text));
	buf_fini(&text);
	return wrong;
}

/* The argument, relative to the folder, whose own characters must not be taken for a pattern.  0 or -1. */
static int
write_pattern(const struct source *source, const char *argument, struct buf *pattern)
{
	int failed = 0;
	for (size_t i = 0; argument[0] != '/' && i < source->folder.len; i++) {
		char c = source->folder.data[i];
		failed |= buf_printf(pattern, "%s%c", strchr("*?[]\\", c) != NULL ? "\\" : "", c);
	}
	return failed | buf_printf(pattern, "%s", argument);
}

static void
include_matches(struct parse *parse, const glob_t *found, const struct source *source,
	const char *place, const char *name)
{
	struct buf scratch = {0};
	for (size_t i = 0; i < found->gl_pathc; i++) {
		bool too_many = parse->files++ >= PARSE_FILES_MAX;
		const char *wrong = "more than 1024 files are included, make it fewer";
		if (!too_many)
			wrong = include_file(parse, found->gl_pathv[i], source, &scratch);
		if (wrong != NULL)
			mistake_add(parse->layers->mistakes, place, name, wrong);
		if (too_many)
			break;
	}
	buf_fini(&scratch);
}

/* Of the folders in which files are looked for only one that is there can be trouble. */
static int
cannot_be_read(const char *folder, int error)
{
	(void)folder;
	return error != ENOENT && error != ENOTDIR;
}

static void
include(struct parse *parse, const struct source *source, const char *place, bool optional,
	const char *argument)
{
	static const char *const names[] = {"Include", "IncludeOptional"};
	struct mistakes *mistakes = parse->layers->mistakes;
	struct buf *scratch = &parse->layers->scratch;
	struct buf pattern = {0};
	glob_t found = {0};
	int result = GLOB_NOSPACE;
	if (write_pattern(source, argument, &pattern) == 0 && buf_string(&pattern) != NULL)
		result = glob(pattern.data, 0, cannot_be_read, &found);
	if (result == 0)
		include_matches(parse, &found, source, place, names[optional]);
	else if (result == GLOB_NOMATCH && !optional)
		mistake_add(mistakes, place, names[optional],
			reason_format(scratch,
				"no file matches '%.256s', IncludeOptional would allow that",
				argument));
	else if (result != GLOB_NOMATCH)
		mistake_add(mistakes, place, names[optional],
			reason_format(scratch, "cannot look for '%.256s': %s", argument,
				result == GLOB_NOSPACE ? "no memory" : "a folder cannot be read"));
	globfree(&found);
	buf_fini(&pattern);
}

static void
unknown_directive(struct parse *parse, const char *place, const char *name)
{
	struct buf *scratch = &parse->layers->scratch;
	const char *nearest = directive_suggest(name);
	char shown[65];
	snprintf(shown, sizeof shown, "%s", name);
	mistake_add(parse->layers->mistakes, place, shown,
		nearest != NULL
			? reason_format(scratch, "unknown directive, did you mean %s?", nearest)
			: "unknown directive, and there is none named like it");
}

/* The words of a directive that takes several, with a space between.  NULL with errno ENOMEM. */
static const char *
join_words(const struct lex_line *line, struct buf *out)
{
	int failed = 0;
	for (size_t i = 1; i < line->count; i++)
		failed |= buf_printf(out, "%s%s", i > 1 ? " " : "", line->words[i]);
	return failed ? NULL : buf_string(out);
}

static const char *
set_many(struct layers *layers, const struct directive *directive, const struct lex_line *line,
	const char *origin)
{
	struct buf text = {0};
	const char *wrong = "there is no memory";
	if (line->count > LEX_WORDS_MAX)
		wrong = reason_format(&layers->scratch, "%d words are the most", LEX_WORDS_MAX - 1);
	else if (join_words(line, &text) != NULL)
		wrong = layers_set(layers, directive, text.data, origin);
	buf_fini(&text);
	return wrong;
}

static void
follow_directive(struct parse *parse, const struct source *source, const struct lex_line *line,
	const char *place)
{
	struct layers *layers = parse->layers;
	const struct directive *directive = directive_find(line->words[0]);
	const char *origin = layers->current == LAYER_COMMAND_LINE ? "command line" : place;
	const char *wrong = NULL;
	if (directive == NULL) {
		unknown_directive(parse, place, line->words[0]);
		return;
	}
	if (directive->many && line->count >= 2)
		wrong = set_many(layers, directive, line, origin);
	else if (line->count != 2)
		wrong = reason_format(&layers->scratch, "takes one argument, %s, not %zu",
			directive->argument, line->count - 1);
	else if (directive->set != NULL)
		wrong = layers_set(layers, directive, line->words[1], origin);
	else if (!source->may_include)
		wrong = "cannot be used here, put it into a file";
	else
		include(parse, source, place, strcmp(directive->name, "Include") != 0,
			line->words[1]);
	if (wrong != NULL)
		mistake_add(layers->mistakes, place, directive->name, wrong);
}

/* The directive that a broken line begins with, or NULL. */
static const char *
name_of(const struct lex_line *line)
{
	const struct directive *directive = line->count > 0 ? directive_find(line->words[0]) : NULL;
	return directive != NULL ? directive->name : NULL;
}

static void
read_source(struct parse *parse, const struct source *source, struct slice text)
{
	struct mistakes *mistakes = parse->layers->mistakes;
	struct lex lex;
	struct lex_line line;
	struct buf buf = {0};
	lex_init(&lex, text, parse->environment);
	while (lex_next(&lex, &line)) {
		const char *place = write_place(source, line.number, &buf);
		if (place == NULL)
			mistake_add(mistakes, source->name, NULL, "no memory");
		else if (line.error == NULL)
			follow_directive(parse, source, &line, place);
		else
			mistake_add(mistakes, place, name_of(&line), line.error);
	}
	buf_fini(&buf);
}

void
parse_file(struct parse *parse, const char *path)
{
	struct source source = {
		.name = path, .folder = folder_of(path), .may_include = true, .numbered = true};
	struct buf text = {0};
	if (read_file(&source, &text) == 0)
		read_source(parse, &source, buf_slice(&text));
	else
		mistake_add(parse->layers->mistakes, path, NULL,
			reason_format(
				&parse->layers->scratch, "cannot open: %s", mistake_errno(errno)));
	buf_fini(&text);
}

void
parse_text(struct parse *parse, const char *name, struct slice text)
{
	struct source source = {.name = name, .numbered = true};
	read_source(parse, &source, text);
}

void
parse_argument(struct parse *parse, size_t number, const char *text)
{
	char name[32];
	snprintf(name, sizeof name, "-c %zu", number);
	struct source source = {.name = name, .may_include = true};
	read_source(parse, &source, slice_of(text));
}
