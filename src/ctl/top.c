/* SPDX-License-Identifier: ISC */
/* The loop of `top` and its lines of text. */
#include "ctl/top.h"

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/format.h"
#include "ctl/screen.h"
#include "figures/words.h"

enum { FIRST_MS = 500 };

struct top {
	const struct top_options *options;
	const struct shared *shared;
	struct moment earlier, later;
	struct screen_view view;
	struct screen *screen; /* NULL: lines of text */
	bool quit;
};

static void
print_names(void)
{
	printf("%-9s %-16s %-9s", "TIME", "WHAT", "STATE");
	for (size_t i = 0; i < RATES_COLUMNS; i++)
		printf(" %*s", rates_column_width(i), rates_column_name(i));
	putchar('\n');
}

static void
print_row(const struct rates_row *row, const char *time)
{
	char text[WORDS_MAX];
	printf("%-9.8s %-16s %-9s", time, row->name, row->state[0] == '\0' ? "-" : row->state);
	for (size_t i = 0; i < RATES_COLUMNS; i++)
		printf(" %*s", rates_column_width(i),
			row->known[i] ? words_rate(row->values[i], text) : "-");
	putchar('\n');
}

static void
print(const struct top *top, struct rates *rates)
{
	char stamp[FORMAT_STAMP_BYTES + 1];
	format_stamp(top->later.reading.wall_us, stamp);
	rates_sort(rates, top->view.column, top->view.least_first);
	print_names();
	for (size_t i = 0; i < rates->count; i++)
		print_row(&rates->rows[i], stamp + sizeof "2026-01-31T" - 1);
	fflush(stdout);
}

static int
show(const struct top *top)
{
	struct rates rates;
	if (rates_make(&rates, &top->earlier, &top->later) < 0) {
		warn("top");
		return EX_OSERR;
	}
	if (top->screen != NULL)
		screen_draw(&top->later.reading, &rates, &top->view);
	else
		print(top, &rates);
	rates_fini(&rates);
	return ferror(stdout) ? EX_IOERR : EX_OK;
}

/* Waits for the next look; keys are answered meanwhile.  A screen is not left empty for long. */
static void
pass_time(struct top *top)
{
	bool first = top->earlier.reading.workers == NULL;
	int64_t delay_ms = top->options->delay_ms;
	if (top->screen == NULL) {
		poll(NULL, 0, (int)delay_ms);
		return;
	}
	if (first && delay_ms > FIRST_MS)
		delay_ms = FIRST_MS;
	int64_t end_ms = clock_mono_ms() + delay_ms;
	enum screen_key key = SCREEN_REDRAW;
	while (key == SCREEN_REDRAW) {
		int64_t left_ms = end_ms - clock_mono_ms();
		key = left_ms <= 0 ? SCREEN_NEXT : screen_wait(&top->view, left_ms);
		if (key == SCREEN_REDRAW && !first)
			show(top);
	}
	top->quit = key == SCREEN_QUIT;
}

static int
look(struct top *top)
{
	struct moment now;
	if (!shared_running(top->shared))
		return EX_UNAVAILABLE;
	if (moment_take(&now, top->shared) < 0)
		return EX_OSERR;
	moment_fini(&top->earlier);
	top->earlier = top->later;
	top->later = now;
	return EX_OK;
}

static int
run(struct top *top)
{
	int status = look(top);
	for (int64_t n = 0;
		status == EX_OK && (top->options->count == 0 || n < top->options->count); n++) {
		pass_time(top);
		if (top->quit)
			break;
		status = look(top);
		if (status == EX_OK)
			status = show(top);
	}
	return status;
}

int
top_run(const struct top_options *options, const struct shared *shared)
{
	struct top top = {.options = options, .shared = shared, .view = {.column = RATES_LINES}};
	if (!options->plain && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
		top.screen = screen_open();
	int status = run(&top);
	if (top.screen != NULL)
		screen_close(top.screen);
	if (status == EX_UNAVAILABLE)
		warnx("the daemon has ended");
	moment_fini(&top.earlier);
	moment_fini(&top.later);
	return status;
}
