/* SPDX-License-Identifier: ISC */
/* What the progress line says, and when it is drawn. */
#include "send/progress.h"

#include <unistd.h>

#include "unit/tap.h"

static bool
says(struct progress_state state, const char *expected)
{
	char text[PROGRESS_TEXT_MAX];
	bool same = strcmp(progress_format(&state, text), expected) == 0;
	if (!same)
		printf("# got %s\n", text);
	return same;
}

#define SAYS(expected, ...) CU_ASSERT_TRUE(says((struct progress_state){__VA_ARGS__}, expected))

static void
unknown_size(void)
{
	SAYS("0 records, 0/s", 0, 0, 0, -1);
	SAYS("1 record, 2/s", 1, 500, 10, -1);
	SAYS("12000 records, 4000/s", 12000, 3000, 99, -1);
}

static void
known_size(void)
{
	SAYS("0 records, 0/s", 0, 1000, 0, 100); /* no rate, no guess */
	SAYS("12000 records, 4000/s, 25%, 0:09 left", 12000, 3000, 25, 100);
	SAYS("10 records, 1/s, 10%, 1:30 left", 10, 10000, 1, 10);
	SAYS("100 records, 1/s, 1%, 2:45:00 left", 100, 100000, 1, 100);
	SAYS("10 records, 1/s, 100%, 0:00 left", 10, 10000, 100, 100);
	SAYS("10 records, 1/s, 100%, 0:00 left", 10, 10000, 150, 100);
}

static void
drawing(void)
{
	int ends[2];
	char seen[200] = "";
	struct progress progress;
	struct progress_state state = {.records = 7, .total_bytes = -1};
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	progress_init(&progress, ends[1]);
	progress_draw(&progress, state); /* too early */
	progress_clear(&progress);       /* nothing to clear */
	progress.started_ms -= 1000;
	progress.drawn_ms -= PROGRESS_EVERY_MS;
	progress_draw(&progress, state);
	progress_clear(&progress);
	progress_clear(&progress);
	close(ends[1]);
	CU_ASSERT_TRUE(read(ends[0], seen, sizeof seen - 1) > 0);
	CU_ASSERT_STRING_EQUAL(seen, "\r7 records, 7/s\033[K\r\033[K");
	close(ends[0]);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"records and rate", unknown_size},
		{"share and time left of a known size", known_size},
		{"drawn now and then, and removed", drawing},
		{NULL, NULL},
	};
	return tap_main("progress", cases);
}
