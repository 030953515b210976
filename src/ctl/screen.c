/* SPDX-License-Identifier: ISC */
/* Drawing.  Columns that do not fit into the window are left out; nothing here keeps its size. */
#include "ctl/screen.h"

#include <ncurses.h>
#include <stdarg.h>
#include <stdlib.h>

#include "figures/readiness.h"
#include "figures/words.h"

enum { NAME_WIDTH = 16, STATE_WIDTH = 9, HEAD_LINES = 2 };

struct screen *
screen_open(void)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return NULL;
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, true);
	return screen;
}

void
screen_close(struct screen *screen)
{
	endwin();
	delscreen(screen);
}

/* The columns that there is room for: as many as fit, the one that is sorted by among them. */
struct span {
	size_t first, end;
};

static int
width_of(size_t column)
{
	return rates_column_width(column) + 1;
}

static struct span
visible(const struct screen_view *view)
{
	struct span span = {0, 1};
	int room = COLS - 1 - NAME_WIDTH - STATE_WIDTH - width_of(0);
	while (span.end < RATES_COLUMNS) {
		room -= width_of(span.end);
		if (room < 0 && span.end > view->column)
			break;
		for (span.end++; room < 0 && span.first + 1 < span.end; span.first++)
			room += width_of(span.first);
	}
	return span;
}

/* ncurses goes on in the next line where the window ends; this does not. */
static void __attribute__((format(printf, 1, 2))) put(const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	addnstr(text, COLS - getcurx(stdscr) - 1);
}

static void
draw_head(const struct reading *reading, const struct rates *rates)
{
	char span[WORDS_MAX], half[WORDS_MAX], nearly[WORDS_MAX];
	move(0, 0);
	put("logcollectd %s, pid %d", board_state_name(reading->info.state), (int)reading->pid);
	if (reading->info.started_us != 0)
		put(", up %s", words_span(reading_age_ms(reading, reading->info.started_us), span));
	put(", %zu workers, 50%% answered within %s, 99%% %s", rates->workers,
		words_time(rates->p50_us, half), words_time(rates->p99_us, nearly));
	if (storage_of(reading, true).state == STORAGE_FAILING)
		put(", storage failing");
	move(1, 0);
	put("a second; < > sort, r reverse, space now, q quit");
}

static void
draw_names(int line, const struct screen_view *view, struct span columns)
{
	move(line, 0);
	attron(A_REVERSE);
	put("%-*s", NAME_WIDTH + STATE_WIDTH, "");
	for (size_t i = columns.first; i < columns.end; i++) {
		if (i == view->column)
			attron(A_BOLD);
		put("%*s", width_of(i), rates_column_name(i));
		attroff(A_BOLD);
	}
	attroff(A_REVERSE);
}

static void
draw_row(int line, const struct rates_row *row, struct span columns)
{
	char text[WORDS_MAX];
	move(line, 0);
	put("%-*.*s%-*s", NAME_WIDTH, row->kind == RATES_ADDRESS ? -1 : NAME_WIDTH - 1, row->name,
		STATE_WIDTH, row->state);
	for (size_t i = columns.first; i < columns.end; i++)
		put("%*s", width_of(i), row->known[i] ? words_rate(row->values[i], text) : "");
}

void
screen_draw(const struct reading *reading, struct rates *rates, const struct screen_view *view)
{
	const struct span columns = visible(view);
	int line = HEAD_LINES + 1;
	rates_sort(rates, view->column, view->least_first);
	erase();
	draw_head(reading, rates);
	draw_names(HEAD_LINES, view, columns);
	for (size_t i = 0; i < rates->count && line < LINES; i++) {
		if (i > 0 && rates->rows[i].kind != rates->rows[i - 1].kind)
			line++;
		if (line < LINES)
			draw_row(line++, &rates->rows[i], columns);
	}
	refresh();
}

enum screen_key
screen_wait(struct screen_view *view, int64_t timeout_ms)
{
	timeout((int)timeout_ms);
	switch (getch()) {
	case 'q':
	case 'Q':
		return SCREEN_QUIT;
	case '<':
	case KEY_LEFT:
		view->column = (view->column + RATES_COLUMNS - 1) % RATES_COLUMNS;
		return SCREEN_REDRAW;
	case '>':
	case KEY_RIGHT:
		view->column = (view->column + 1) % RATES_COLUMNS;
		return SCREEN_REDRAW;
	case 'r':
		view->least_first = !view->least_first;
		return SCREEN_REDRAW;
	case KEY_RESIZE:
		return SCREEN_REDRAW;
	case ' ':
	case ERR:
		return SCREEN_NEXT;
	default:
		return SCREEN_REDRAW;
	}
}
