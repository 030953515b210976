/* SPDX-License-Identifier: ISC */
/* Lines from pipes and files, words and the smoke test become requests. */
#include "send/source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "send/request.h"
#include "unit/tap.h"

static const struct slice none = SLICE("");

static void
put(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool
gives(struct source *source, const char *expected)
{
	struct slice line = none;
	bool same = source_next(source, &line) == SOURCE_REQUEST &&
	            slice_equal(line, slice_of(expected));
	if (!same)
		printf("# expected %s, got %.*s\n", expected, (int)line.len, line.data);
	return same;
}

static void
ndjson(void)
{
	int ends[2];
	struct source source;
	struct slice line;
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	source_init_ndjson(&source, ends[0]);
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_WAIT);
	put(ends[1], "{\"a\":1}\n\n  \t\r\n no JSON \r\n{\"b\"");
	source_fill(&source);
	CU_ASSERT_TRUE(gives(&source, "{\"a\":1}"));
	CU_ASSERT_TRUE(gives(&source, " no JSON \r"));
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_WAIT);
	put(ends[1], ":2}\nlast");
	source_fill(&source);
	CU_ASSERT_TRUE(gives(&source, "{\"b\":2}"));
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_WAIT);
	close(ends[1]);
	source_fill(&source);
	CU_ASSERT_TRUE(gives(&source, "last"));
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_END);
	CU_ASSERT_EQUAL(source.fd, -1);
	CU_ASSERT_EQUAL(source.error, 0);
	CU_ASSERT_EQUAL(source.total_bytes, -1);
	source_fini(&source);
	close(ends[0]);
}

static void
text(void)
{
	int ends[2];
	struct source source;
	struct slice line;
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	source_init_text(&source, ends[0], (struct slice)SLICE("ERROR"));
	put(ends[1], "disk \"full\"\r\n\n \n  a\xFF");
	close(ends[1]);
	while (source.fd >= 0)
		source_fill(&source);
	CU_ASSERT_TRUE(gives(&source, "{\"level\":\"ERROR\",\"message\":\"disk \\\"full\\\"\"}"));
	CU_ASSERT_TRUE(gives(&source, "{\"level\":\"ERROR\",\"message\":\"  a\xEF\xBF\xBD\"}"));
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_END);
	source_fini(&source);
	close(ends[0]);
}

/* A line of many reads, byte for byte; the file's position and size are followed. */
static void
long_lines(void)
{
	enum { LEN = 1000 * 1000 };
	FILE *file = tmpfile();
	struct source source;
	struct slice line = none;
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("skipped\n", file);
	for (int i = 0; i < LEN; i++)
		fputc('a' + i % 26, file);
	fputs("\nz", file);
	fflush(file);
	lseek(fileno(file), 8, SEEK_SET);
	source_init_ndjson(&source, fileno(file));
	CU_ASSERT_EQUAL(source.total_bytes, LEN + 2);
	while (source_next(&source, &line) == SOURCE_WAIT)
		source_fill(&source);
	CU_ASSERT_EQUAL_FATAL(line.len, LEN);
	CU_ASSERT_EQUAL(line.data[0], 'a');
	CU_ASSERT_EQUAL(line.data[LEN - 1], 'a' + (LEN - 1) % 26);
	CU_ASSERT_EQUAL(source.taken_bytes, LEN + 1);
	while (source_next(&source, &line) == SOURCE_WAIT)
		source_fill(&source);
	CU_ASSERT_TRUE(slice_equal(line, (struct slice)SLICE("z")));
	CU_ASSERT_EQUAL(source.taken_bytes, source.total_bytes);
	source_fini(&source);
	fclose(file);
}

static void
words(void)
{
	char *const given[] = {"disk", "", "full\nnow"};
	struct source source;
	struct slice line;
	struct slice level = SLICE("INFO");
	CU_ASSERT_EQUAL(source_init_words(&source, level, given, 3), 0);
	CU_ASSERT_TRUE(gives(&source, "{\"level\":\"INFO\",\"message\":\"disk  full\\nnow\"}"));
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_END);
	source_fini(&source);
	CU_ASSERT_EQUAL(source_init_words(&source, level, given + 1, 1), 0);
	CU_ASSERT_TRUE(gives(&source, "{\"level\":\"INFO\",\"message\":\"\"}"));
	source_fini(&source);
}

static void
smoke(void)
{
	static const char *const levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
	struct source source;
	struct slice line;
	CU_ASSERT_EQUAL(source_init_smoke(&source), 0);
	for (size_t i = 0; i < 5; i++) {
		char expected[100];
		snprintf(expected, sizeof expected,
			"{\"level\":\"%s\",\"message\":\"logsend smoke test\"}", levels[i]);
		CU_ASSERT_TRUE(gives(&source, expected));
	}
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_END);
	source_fini(&source);
}

static void
read_error(void)
{
	struct source source;
	struct slice line;
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	source_init_ndjson(&source, fd);
	source_fill(&source);
	CU_ASSERT_EQUAL(source_next(&source, &line), SOURCE_END);
	CU_ASSERT_EQUAL(source.error, EISDIR);
	source_fini(&source);
	close(fd);
}

/* Endless text without a newline is not collected for ever. */
static void
endless(void)
{
	struct source source;
	struct slice line;
	int fd = open("/dev/zero", O_RDONLY);
	source_init_text(&source, fd, (struct slice)SLICE("INFO"));
	while (source_next(&source, &line) == SOURCE_WAIT)
		source_fill(&source);
	CU_ASSERT_EQUAL(source.error, EFBIG);
	CU_ASSERT_TRUE(source.in.len < (size_t)REQUEST_TEXT_MAX + (1 << 20));
	source_fini(&source);
	close(fd);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"NDJSON lines go through as they are, blank ones do not", ndjson},
		{"text lines are wrapped, empty ones are not", text},
		{"a long line of a file, and how far we are in it", long_lines},
		{"words are one record", words},
		{"the smoke test has one record of each level", smoke},
		{"a read error ends the source", read_error},
		{"endless text ends the source", endless},
		{NULL, NULL},
	};
	return tap_main("source", cases);
}
