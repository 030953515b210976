/* SPDX-License-Identifier: ISC */
/* Writes the page.  Names and order of rows and columns are those that page.js fills in again. */
#include "monitor/html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "core/format.h"
#include "figures/words.h"

struct html {
	struct buf *out;
	bool failed;
};

/* As it stands: markup, numbers, and words of our own. */
static void __attribute__((format(printf, 2, 3))) put(struct html *html, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	html->failed |= buf_vprintf(html->out, format, args) < 0;
	va_end(args);
}

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c < ' ' && c != '\n' ? "?" : NULL;
	}
}

static void
put_text(struct html *html, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *instead = entity(*text);
		struct slice slice = instead != NULL ? slice_of(instead) : (struct slice){text, 1};
		html->failed |= buf_append(html->out, slice) < 0;
	}
}

static void
begin_section(struct html *html, const char *id, const char *title)
{
	put(html,
		"<section class=\"panel %s\" aria-labelledby=\"%s-title\"><h2 "
		"id=\"%s-title\">%s</h2>\n",
		id, id, id, title);
}

/* The columns' names, with commas between. */
static void
begin_table(struct html *html, const char *id, const char *title, const char *caption,
	const char *columns)
{
	begin_section(html, id, title);
	put(html,
		"<div class=\"scroll\" role=\"group\" aria-labelledby=\"%s-title\" tabindex=\"0\">"
		"<table id=\"%s\"><caption>%s</caption>\n<thead><tr>",
		id, id, caption);
	while (*columns != '\0') {
		int len = (int)strcspn(columns, ",");
		put(html, "<th scope=\"col\">%.*s</th>", len, columns);
		columns += len + (columns[len] == ',');
	}
	put(html, "</tr></thead>\n<tbody>\n");
}

static void
end_table(struct html *html)
{
	put(html, "</tbody></table></div></section>\n");
}

static void
put_head(struct html *html, const char *name)
{
	put(html, "<tr><th scope=\"row\">");
	put_text(html, name);
	put(html, "</th>");
}

static void
put_verdicts(struct html *html, const struct look *look)
{
	const struct rates_row *rates = &look->rates->rows[0];
	const uint64_t *counts = look->reading.totals.counts;
	char text[WORDS_MAX];
	begin_table(
		html, "verdicts", "Verdicts", "How lines were answered", "verdict,total,a second");
	put(html, "<tr><th scope=\"row\">lines</th><td>%" PRIu64 "</td><td>%s</td></tr>\n",
		counts[COUNT_LINES], words_rate(rates->values[RATES_LINES], text));
	for (size_t i = 0; i < VERDICTS; i++)
		put(html, "<tr><th scope=\"row\">%s</th><td>%" PRIu64 "</td><td>%s</td></tr>\n",
			verdict_name((enum verdict)i), counts[i],
			words_rate(rates->values[RATES_VERDICTS + i], text));
	end_table(html);
}

static void
put_worker(struct html *html, const struct look *look, const struct scoreboard_slot *seen)
{
	const struct reading *reading = &look->reading;
	const struct rates_row *rates = rates_of_worker(look->rates, seen->pid);
	const uint64_t *counts = seen->totals.counts;
	const char *state = slot_state_name(seen->state);
	char span[WORDS_MAX], rate[WORDS_MAX];
	put(html, "<tr><th scope=\"row\">%d</th><td><span class=\"state %s\">%s</span></td>",
		(int)seen->pid, state, state);
	put(html, "<td>%" PRIu64, seen->clients);
	if (seen->most_clients > 0)
		put(html, " of %" PRIu64, seen->most_clients);
	put(html, "</td><td>%s",
		rates == NULL ? "-" : words_rate(rates->values[RATES_LINES], rate));
	put(html,
		"</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
		"</td><td>%s</td></tr>\n",
		counts[COUNT_LINES], counts[VERDICT_RECEIVED], counts[VERDICT_FAILED],
		seen->worker_generation, words_span(reading_age_ms(reading, seen->born_us), span));
}

static void
put_workers(struct html *html, const struct look *look)
{
	begin_table(html, "workers", "Workers", "The processes that serve clients",
		"pid,state,clients,a second,lines,received,failed,generation,age");
	for (size_t i = 0; i < look->reading.worker_count; i++)
		put_worker(html, look, &look->reading.workers[i].seen);
	end_table(html);
}

static void
put_address(struct html *html, const struct limiter_client *client)
{
	char address[ADDRESS_TEXT_MAX], left[WORDS_MAX];
	put_head(html, address_format(&client->address, address));
	put(html, "<td>%s</td>",
		client->is_limited ? "<span class=\"state limited\">limited</span>" : "");
	put(html, "<td>%" PRIu64 "</td><td>%" PRId64 "</td><td>%s</td></tr>\n", client->limited,
		client->used, client->left_ms > 0 ? words_span(client->left_ms + 999, left) : "-");
}

static void
put_addresses(struct html *html, const struct look *look)
{
	begin_table(html, "addresses", "Addresses most limited",
		"Clients that sent more than RateLimitMaxRequests in a window",
		"address,now,limited,passed,left");
	for (size_t i = 0; i < look->limited_count; i++)
		put_address(html, &look->limited->items[i]);
	end_table(html);
}

static void
put_figure(struct html *html, const char *name, const char *text)
{
	put(html, "<div><dt>%s</dt><dd>", name);
	put_text(html, text);
	put(html, "</dd></div>\n");
}

static void
put_number(struct html *html, const char *name, uint64_t number)
{
	char text[32];
	snprintf(text, sizeof text, "%" PRIu64, number);
	put_figure(html, name, text);
}

static void
put_ready(struct html *html, const struct readiness *readiness)
{
	put(html, "<div><dt>ready</dt><dd>%s", readiness->ready ? "yes" : "no: ");
	for (size_t i = 0; i < readiness->count; i++) {
		put(html, "%s", i > 0 ? ", " : "");
		put_text(html, readiness->why[i]);
	}
	put(html, "</dd></div>\n");
}

static void
put_reload(struct html *html, const struct board_info *info)
{
	char stamp[FORMAT_STAMP_BYTES + 1];
	if (info->reloads_asked > info->reloads_finished) {
		put_figure(html, "last reload", "under way");
		return;
	}
	if (info->reloaded_us == 0) {
		put_figure(html, "last reload", "none yet");
		return;
	}
	format_stamp(info->reloaded_us, stamp);
	put(html, "<div><dt>last reload</dt><dd>%s, %.19sZ\n",
		info->reload_errors > 0 ? "failed" : "done", stamp);
	put_text(html, info->errors);
	put(html, "</dd></div>\n");
}

static void
put_times(struct html *html, const struct histogram *times)
{
	static const struct {
		const char *name;
		double share;
	} marks[] = {{"50%", 0.5}, {"90%", 0.9}, {"99%", 0.99}, {"all", 1}};
	char time[WORDS_MAX];
	put(html, "<div><dt>answered within, since the start</dt><dd>");
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		put(html, "%s%s %s", i > 0 ? ", " : "", marks[i].name,
			words_time(histogram_percentile(times, marks[i].share), time));
	put(html, "</dd></div>\n");
}

static void
put_forward(struct html *html, const struct reading *reading)
{
	const struct shipping_figures *figures = &reading->shipping;
	char span[WORDS_MAX];
	if (figures->state == SHIPPING_OFF)
		return;
	put_figure(html, "forwarding", shipping_state_name(figures->state));
	put_number(html, "bytes not forwarded yet", (uint64_t)figures->lag_bytes);
	put_figure(html, "forwarding is behind", words_span(reading_lag_ms(reading), span));
	put_number(html, "batches forwarded", figures->batches);
	put_number(html, "batches sent again", figures->retries);
	put_number(html, "bytes dropped", figures->dropped_bytes);
}

static void
put_daemon(struct html *html, const struct look *look)
{
	const struct reading *reading = &look->reading;
	const struct board_info *info = &reading->info;
	char span[WORDS_MAX];
	begin_section(html, "daemon", "Daemon");
	put(html, "<dl id=\"daemon\">\n");
	put_figure(html, "state", board_state_name(info->state));
	put_ready(html, &look->readiness);
	put_number(html, "pid", (uint64_t)reading->pid);
	put_figure(html, "up", words_span(reading_age_ms(reading, info->started_us), span));
	put_figure(html, "version", LOGCOLLECTD_VERSION);
	put_figure(html, "listening on", info->listening);
	put_figure(html, "storage", storage_state_name(look->storage.state));
	put_times(html, &reading->times);
	put_forward(html, reading);
	put_number(html, "settings generation", info->settings_generation);
	put_reload(html, info);
	put_number(html, "worker generation", info->worker_generation);
	put_number(html, "workers that died", info->worker_deaths);
	put(html, "</dl></section>\n");
}

int
html_page(struct buf *out, struct slice template, const struct look *look)
{
	static const struct slice mark = SLICE("<!--figures-->");
	struct html html = {.out = out};
	const char *at = memmem(template.data, template.len, mark.data, mark.len);
	size_t before = at == NULL ? template.len : (size_t)(at - template.data);
	html.failed = buf_append(out, (struct slice){template.data, before}) < 0;
	if (at != NULL) {
		size_t after = before + mark.len;
		put_verdicts(&html, look);
		put_workers(&html, look);
		put_addresses(&html, look);
		put_daemon(&html, look);
		html.failed |= buf_append(out, (struct slice){template.data + after,
						       template.len - after}) < 0;
	}
	if (html.failed)
		errno = ENOMEM;
	return html.failed ? -1 : 0;
}
