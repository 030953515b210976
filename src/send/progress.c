/* SPDX-License-Identifier: ISC */
/* The progress line.  Where it cannot be written nobody is told: it is decoration. */
#include "send/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"

void
progress_init(struct progress *progress, int fd)
{
	int64_t now_ms = clock_mono_ms();
	*progress = (struct progress){.fd = fd, .started_ms = now_ms, .drawn_ms = now_ms};
}

static int
format_left(const struct progress_state *state, char *text, size_t size)
{
	double taken = (double)state->taken_bytes, total = (double)state->total_bytes;
	if (taken > total)
		taken = total; /* the file has grown */
	int64_t left_s = (int64_t)((double)state->elapsed_ms * (total - taken) / taken / 1000 +
				   0.5);
	int percent = (int)(100 * taken / total);
	if (left_s >= 3600)
		return snprintf(text, size, ", %d%%, %" PRId64 ":%02d:%02d left", percent,
			left_s / 3600, (int)(left_s / 60 % 60), (int)(left_s % 60));
	return snprintf(text, size, ", %d%%, %d:%02d left", percent, (int)(left_s / 60),
		(int)(left_s % 60));
}

const char *
progress_format(const struct progress_state *state, char text[static PROGRESS_TEXT_MAX])
{
	double seconds = (double)(state->elapsed_ms > 0 ? state->elapsed_ms : 1) / 1000;
	int len = snprintf(text, PROGRESS_TEXT_MAX, "%" PRIu64 " record%s, %.0f/s", state->records,
		state->records == 1 ? "" : "s", (double)state->records / seconds);
	if (state->total_bytes > 0 && state->taken_bytes > 0)
		format_left(state, text + len, PROGRESS_TEXT_MAX - (size_t)len);
	return text;
}

static void
write_line(int fd, const char *text, const char *tail)
{
	char line[PROGRESS_TEXT_MAX + 16];
	int len = snprintf(line, sizeof line, "\r%s%s", text, tail);
	ssize_t ignored = write(fd, line, (size_t)len);
	(void)ignored;
}

void
progress_draw(struct progress *progress, struct progress_state state)
{
	char text[PROGRESS_TEXT_MAX];
	int64_t now_ms = clock_mono_ms();
	if (progress->fd < 0 || now_ms - progress->drawn_ms < PROGRESS_EVERY_MS)
		return;
	state.elapsed_ms = now_ms - progress->started_ms;
	write_line(progress->fd, progress_format(&state, text), "\033[K");
	progress->drawn_ms = now_ms;
	progress->shown = true;
}

void
progress_clear(struct progress *progress)
{
	if (progress->shown)
		write_line(progress->fd, "", "\033[K");
	progress->shown = false;
}
