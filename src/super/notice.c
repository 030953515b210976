/* SPDX-License-Identifier: ISC */
/* Says what the supervisor does: in the daemon's log, on the board, in the process title. */
#include "super/notice.h"

#include <bsd/unistd.h>

#include "base/errlog.h"

void
notice_listeners(const struct listener_set *set, const struct listener_set *other, const char *what)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!listener_is_in(other, &set->items[i]))
			errlog_info("%s %s", what, set->items[i].name);
	}
}

void
notice_status(const struct listener_set *set, const struct listener_set *other, const char *what)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct listener *listener = &set->items[i];
		bool local = endpoint_local_path(&listener->listen.endpoint) != NULL;
		if (!listener_is_in(other, listener))
			errlog_info("%s %s%s%s", what, local ? "" : "http://", listener->name,
				local ? "" : "/");
	}
}

void
notice_lines(const struct buf *text, void (*log)(const char *format, ...))
{
	for (size_t at = 0; at < text->len;) {
		const char *line = text->data + at;
		const char *end = memchr(line, '\n', text->len - at);
		size_t len = end != NULL ? (size_t)(end - line) : text->len - at;
		log("%.*s", (int)len, line);
		at += len + 1;
	}
}

void
notice_board(const struct shared *shared, const struct listener_set *listeners,
	uint64_t worker_generation)
{
	struct board_info info;
	size_t len = 0;
	scoreboard_info(shared->board, &info);
	info.worker_generation = worker_generation;
	info.settings_generation = published_generation(shared->settings);
	info.listening[0] = '\0';
	for (size_t i = 0; i < listeners->count && len < sizeof info.listening; i++)
		len += (size_t)snprintf(info.listening + len, sizeof info.listening - len, "%s\n",
			listeners->items[i].name);
	scoreboard_set_info(shared->board, &info);
}

void
notice_title(const struct settings *settings)
{
	long long workers = settings->workers;
	setproctitle("supervisor: %lld worker%s", workers, workers == 1 ? "" : "s");
}

void
notice_counts(const struct shared *shared)
{
	struct scoreboard_totals totals = scoreboard_totals(shared->board, shared->slots);
	char text[1024];
	size_t len = 0;
	for (size_t i = 0; i < COUNTS && len < sizeof text; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, " %s=%llu", count_name(i),
			(unsigned long long)totals.counts[i]);
	errlog_info("counted:%s", text);
}
