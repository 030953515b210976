/* SPDX-License-Identifier: ISC */
/* The status as a person reads it: the daemon, then what it counted, then its workers; and as a program does. */
#include "ctl/status.h"

#include <err.h>
#include <inttypes.h>

#include "core/format.h"
#include "figures/document.h"
#include "figures/words.h"

static void
print_time(FILE *out, const char *what, int64_t wall_us)
{
	char stamp[FORMAT_STAMP_BYTES + 1];
	if (wall_us == 0)
		return;
	format_stamp(wall_us, stamp);
	fprintf(out, "%s %.19sZ", what, stamp);
}

static void
print_daemon(FILE *out, const struct reading *reading)
{
	const struct board_info *info = &reading->info;
	char span[WORDS_MAX];
	fprintf(out, "logcollectd is %s, pid %d", board_state_name(info->state), (int)reading->pid);
	print_time(out, ", since", info->started_us);
	if (info->started_us != 0)
		fprintf(out, " (%s)", words_span(reading_age_ms(reading, info->started_us), span));
	fputc('\n', out);
	words_print_lines(out, "  listening on ", info->listening);
	fprintf(out, "  generations: workers %" PRIu64 ", settings %" PRIu64 ", log %" PRIu64 "\n",
		info->worker_generation, info->settings_generation, info->log_generation);
	if (info->worker_deaths > 0)
		fprintf(out, "  workers that died: %" PRIu64 "\n", info->worker_deaths);
}

static void
print_reload(FILE *out, const struct board_info *info)
{
	if (info->reloads_asked > info->reloads_finished)
		fputs("  a reload is under way\n", out);
	if (info->reloaded_us == 0)
		return;
	print_time(out, "  last reload", info->reloaded_us);
	fprintf(out, ": %s\n", info->reload_errors > 0 ? "failed" : "done");
	words_print_lines(out, "    ", info->errors);
}

static void
print_counts(FILE *out, const struct reading *reading)
{
	fprintf(out, "\n%-16s %15s\n", "counted", "total");
	for (size_t i = 0; i < COUNTS; i++)
		fprintf(out, "  %-14s %15" PRIu64 "\n", count_name(i), reading->totals.counts[i]);
	fprintf(out, "  %-14s %15" PRIu64 "\n", "lock_repairs", reading->limiter.repairs);
	fprintf(out, "  %-14s %15" PRIu64 "\n", "evictions", reading->limiter.evictions);
	fprintf(out, "  %-14s %15" PRIu64 " (addresses in the rate limiter's table)\n", "addresses",
		reading->limiter.entries);
}

static void
print_forward(FILE *out, const struct reading *reading)
{
	const struct shipping_figures *figures = &reading->shipping;
	char span[WORDS_MAX];
	if (figures->state == SHIPPING_OFF)
		return;
	fprintf(out, "\nforwarding: %s%s, %" PRId64 " bytes and %s behind\n",
		shipping_state_name(figures->state), figures->full ? ", the spool is full" : "",
		figures->lag_bytes, words_span(reading_lag_ms(reading), span));
	fprintf(out,
		"  %" PRIu64 " batches of %" PRIu64 " bytes, %" PRIu64 " retries, %" PRIu64
		" bytes dropped, %" PRIu64 " forwarders died\n",
		figures->batches, figures->bytes, figures->retries, figures->dropped_bytes,
		figures->deaths);
}

static void
print_times(FILE *out, const struct histogram *times)
{
	char half[WORDS_MAX], most[WORDS_MAX], nearly[WORDS_MAX], all[WORDS_MAX];
	if (histogram_percentile(times, 1) < 0)
		return;
	fprintf(out, "\nfrom read to answer: 50%% within %s, 90%% %s, 99%% %s, all %s\n",
		words_time(histogram_percentile(times, 0.5), half),
		words_time(histogram_percentile(times, 0.9), most),
		words_time(histogram_percentile(times, 0.99), nearly),
		words_time(histogram_percentile(times, 1), all));
}

static void
print_workers(FILE *out, const struct reading *reading)
{
	char span[WORDS_MAX];
	if (reading->worker_count == 0)
		return;
	fprintf(out, "\n%8s  %-9s %4s %9s %9s %12s %12s %9s\n", "worker", "state", "gen", "age",
		"clients", "lines", "received", "failed");
	for (size_t i = 0; i < reading->worker_count; i++) {
		const struct scoreboard_slot *seen = &reading->workers[i].seen;
		fprintf(out,
			"%8d  %-9s %4" PRIu64 " %9s %9" PRIu64 " %12" PRIu64 " %12" PRIu64
			" %9" PRIu64 "\n",
			(int)seen->pid, slot_state_name(seen->state), seen->worker_generation,
			words_span(reading_age_ms(reading, seen->born_us), span), seen->clients,
			seen->totals.counts[COUNT_LINES], seen->totals.counts[VERDICT_RECEIVED],
			seen->totals.counts[VERDICT_FAILED]);
	}
}

/* Returns whether it was. */
static bool
tell_silence(const char *who, pid_t pid, int64_t silence_ms, int64_t limit_ms)
{
	char span[WORDS_MAX];
	if (silence_ms <= limit_ms)
		return false;
	warnx("%s, pid %d, gives no sign of life for %s", who, (int)pid,
		words_span(silence_ms, span));
	return true;
}

bool
status_tell_silence(const struct reading *reading, int64_t limit_ms)
{
	bool silent = tell_silence("the supervisor", reading->pid,
		reading_silence_ms(reading, reading->beat_ms), limit_ms);
	for (size_t i = 0; i < reading->worker_count; i++) {
		const struct scoreboard_slot *seen = &reading->workers[i].seen;
		silent |= tell_silence("a worker", seen->pid,
			reading_silence_ms(reading, seen->beat_ms), limit_ms);
	}
	return silent;
}

void
status_print(FILE *out, const struct reading *reading)
{
	print_daemon(out, reading);
	print_reload(out, &reading->info);
	print_counts(out, reading);
	print_times(out, &reading->times);
	print_forward(out, reading);
	print_workers(out, reading);
}

int
status_print_json(FILE *out, const struct reading *reading)
{
	struct json_object *object = document_make(reading);
	if (object == NULL)
		return -1;
	const char *text = document_text(object);
	if (text != NULL)
		fprintf(out, "%s\n", text);
	json_object_put(object);
	return text == NULL ? -1 : 0;
}
