/* SPDX-License-Identifier: ISC */
/* Names, units and meanings of the metrics. */
#include "monitor/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "monitor/process.h"

#define PREFIX "logcollectd_"

enum { FIRST_BUCKET_BIT = 4 /* of 16 us */, LABEL_MAX = 64 };

/* What a range of an Accept header weighs, from its semicolon on. */
static double
weight_in(const char *parameters, const char *end)
{
	for (const char *at = parameters; at < end; at++) {
		if (*at != ';')
			continue;
		at += 1 + strspn(at + 1, " \t");
		if ((*at == 'q' || *at == 'Q') && at[1] == '=')
			return strtod(at + 2, NULL);
		at--;
	}
	return 1;
}

/* How welcome a type is that is named so; 0: not at all. */
static double
weight_of(const char *accept, const char *type)
{
	double most = 0;
	while (accept != NULL && *accept != '\0') {
		accept += strspn(accept, ", \t");
		const char *end = accept + strcspn(accept, ",");
		size_t len = strcspn(accept, ",; \t");
		if (len == strlen(type) && strncasecmp(accept, type, len) == 0) {
			double weight = weight_in(accept + len, end);
			most = weight > most ? weight : most;
		}
		accept = end;
	}
	return most;
}

bool
metrics_wants_open(const char *accept)
{
	double weight = weight_of(accept, "application/openmetrics-text");
	return weight > 0 && weight >= weight_of(accept, "text/plain");
}

/* Counters that stand in families of one or more, each with its label. */
static const struct counter {
	const char *family; /* NULL: of the one before */
	const char *unit, *help;
	const char *labels;
	size_t count;
} counters[] = {
	{"input_bytes", "bytes", "Bytes that clients have sent.", NULL, COUNT_BYTES_IN},
	{"batches", NULL, "Batches: lines that one read has brought.", NULL, COUNT_BATCHES},
	{"connections_accepted", NULL, "Connections that were served.", NULL, COUNT_ACCEPTED},
	{"connections_refused", NULL, "Connections that were refused.", "reason=\"busy\"",
		COUNT_BUSY},
	{NULL, NULL, NULL, "reason=\"denied\"", COUNT_DENIED},
	{NULL, NULL, NULL, "reason=\"proxy\"", COUNT_PROXY_FAILED},
	{"handshakes_failed", NULL, "Connections closed because their TLS handshake failed.", NULL,
		COUNT_HANDSHAKE_FAILED},
	{"connections_timed_out", NULL, "Connections that a timeout has closed.",
		"timeout=\"idle\"", COUNT_IDLE_CLOSED},
	{NULL, NULL, NULL, "timeout=\"read\"", COUNT_READ_CLOSED},
	{NULL, NULL, NULL, "timeout=\"send\"", COUNT_SEND_CLOSED},
	{"storage_errors", NULL, "Appends to the log that failed.", NULL, COUNT_STORAGE_ERRORS},
	{"storage_lock_waits", NULL, "Appends that found the log locked by another process.", NULL,
		COUNT_LOCK_WAITS},
};

static void
one(struct exposition *out, enum exposition_type type, const char *name, const char *unit,
	const char *help, double value)
{
	exposition_family(out, type, name, unit, help);
	exposition_value(out, NULL, value);
}

static void
put_lines(struct exposition *out, const uint64_t *counts)
{
	char label[LABEL_MAX];
	exposition_family(out, EXPOSITION_COUNTER, PREFIX "lines", NULL,
		"Lines that were answered, by verdict.");
	for (size_t i = 0; i < VERDICTS; i++) {
		snprintf(label, sizeof label, "verdict=\"%s\"", verdict_name((enum verdict)i));
		exposition_count(out, label, counts[i]);
	}
}

static void
put_counters(struct exposition *out, const uint64_t *counts)
{
	char name[LABEL_MAX];
	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
		const struct counter *counter = &counters[i];
		if (counter->family != NULL) {
			snprintf(name, sizeof name, PREFIX "%s", counter->family);
			exposition_family(
				out, EXPOSITION_COUNTER, name, counter->unit, counter->help);
		}
		exposition_count(out, counter->labels, counts[counter->count]);
	}
}

/* The classes of the histogram meet at each power of two, so that these are exact. */
static void
put_times(struct exposition *out, const struct histogram *times)
{
	uint64_t seen = 0;
	size_t next = 0;
	exposition_family(out, EXPOSITION_HISTOGRAM, PREFIX "answer_seconds", "seconds",
		"From reading lines to answering them, by line.");
	for (int bit = FIRST_BUCKET_BIT; bit <= HISTOGRAM_TOP_BIT; bit++) {
		int64_t limit_us = INT64_C(1) << bit;
		for (; next < HISTOGRAM_BUCKETS && histogram_longest(next) < limit_us; next++)
			seen += times->buckets[next];
		exposition_bucket(out, limit_us, seen);
	}
	for (; next < HISTOGRAM_BUCKETS; next++)
		seen += times->buckets[next];
	exposition_all(out, seen, times->sum_us);
}

static void
put_workers(struct exposition *out, const struct reading *reading)
{
	uint64_t states[SLOT_STATES] = {0};
	char label[LABEL_MAX];
	for (size_t i = 0; i < reading->worker_count; i++) {
		enum slot_state state = reading->workers[i].seen.state;
		if ((size_t)state < SLOT_STATES)
			states[state]++;
	}
	exposition_family(out, EXPOSITION_GAUGE, PREFIX "workers", NULL, "Workers, by state.");
	for (size_t i = SLOT_STARTING; i < SLOT_STATES; i++) {
		snprintf(label, sizeof label, "state=\"%s\"", slot_state_name((enum slot_state)i));
		exposition_count(out, label, states[i]);
	}
}

typedef void worker_sample(
	struct exposition *out, const char *label, const struct scoreboard_slot *seen);

static void
each_worker(struct exposition *out, const struct reading *reading, worker_sample *sample)
{
	char label[LABEL_MAX];
	for (size_t i = 0; i < reading->worker_count; i++) {
		const struct worker_reading *worker = &reading->workers[i];
		snprintf(label, sizeof label, "worker=\"%zu\"", worker->slot + 1);
		sample(out, label, &worker->seen);
	}
}

static void
sample_clients(struct exposition *out, const char *label, const struct scoreboard_slot *seen)
{
	exposition_count(out, label, seen->clients);
}

static void
sample_most_clients(struct exposition *out, const char *label, const struct scoreboard_slot *seen)
{
	exposition_count(out, label, seen->most_clients);
}

static void
sample_cpu(struct exposition *out, const char *label, const struct scoreboard_slot *seen)
{
	if (seen->cpu_us > 0)
		exposition_value(out, label, (double)seen->cpu_us / 1e6);
}

static void
sample_memory(struct exposition *out, const char *label, const struct scoreboard_slot *seen)
{
	if (seen->resident_bytes > 0)
		exposition_count(out, label, seen->resident_bytes);
}

static void
put_each_worker(struct exposition *out, const struct reading *reading)
{
	exposition_family(out, EXPOSITION_GAUGE, PREFIX "worker_connections", NULL,
		"Clients that are connected to a worker.");
	each_worker(out, reading, sample_clients);
	exposition_family(out, EXPOSITION_GAUGE, PREFIX "worker_connections_max", NULL,
		"How many clients a worker takes.");
	each_worker(out, reading, sample_most_clients);
	exposition_family(out, EXPOSITION_COUNTER, PREFIX "worker_cpu_seconds", "seconds",
		"Processor time of a worker, since it was started.");
	each_worker(out, reading, sample_cpu);
	exposition_family(out, EXPOSITION_GAUGE, PREFIX "worker_resident_memory_bytes", "bytes",
		"Resident memory of a worker, what it shares with the others included.");
	each_worker(out, reading, sample_memory);
}

static void
put_daemon(struct exposition *out, const struct look *look)
{
	const struct reading *reading = &look->reading;
	const struct board_info *info = &reading->info;
	exposition_family(
		out, EXPOSITION_INFO, PREFIX "build", NULL, "The program that is running.");
	exposition_count(out, "version=\"" LOGCOLLECTD_VERSION "\"", 1);
	one(out, EXPOSITION_GAUGE, PREFIX "start_time_seconds", "seconds",
		"When the daemon was started, in seconds since 1970.",
		(double)info->started_us / 1e6);
	one(out, EXPOSITION_GAUGE, PREFIX "ready", NULL,
		"Whether clients may come, as /readyz says.", look->readiness.ready);
	one(out, EXPOSITION_GAUGE, PREFIX "connections", NULL, "Clients that are connected.",
		(double)reading_clients(reading));
	one(out, EXPOSITION_GAUGE, PREFIX "storage_failing", NULL,
		"Whether the last append of any worker has failed.",
		look->storage.state == STORAGE_FAILING);
	one(out, EXPOSITION_COUNTER, PREFIX "worker_deaths", NULL,
		"Workers that were killed or have failed, and were replaced.",
		(double)info->worker_deaths);
	one(out, EXPOSITION_COUNTER, PREFIX "monitor_deaths", NULL,
		"Monitors that were killed or have failed, and were replaced.",
		(double)info->monitor_deaths);
}

static void
put_limiter(struct exposition *out, const struct limiter_stats *limiter)
{
	one(out, EXPOSITION_GAUGE, PREFIX "limiter_addresses", NULL,
		"Addresses in the rate limiter's table.", (double)limiter->entries);
	one(out, EXPOSITION_COUNTER, PREFIX "limiter_evictions", NULL,
		"Windows that were cut short because the table was full.",
		(double)limiter->evictions);
	one(out, EXPOSITION_COUNTER, PREFIX "limiter_lock_repairs", NULL,
		"Locks that were inherited from a worker that was killed.",
		(double)limiter->repairs);
}

static void
put_forward(struct exposition *out, const struct reading *reading)
{
	const struct shipping_figures *figures = &reading->shipping;
	char label[LABEL_MAX];
	exposition_family(out, EXPOSITION_GAUGE, PREFIX "forward_state", NULL,
		"What the forwarder does: 1 for one of these.");
	for (size_t i = 0; i < SHIPPING_STATES; i++) {
		snprintf(label, sizeof label, "state=\"%s\"",
			shipping_state_name((enum shipping_state)i));
		exposition_count(out, label, figures->state == (enum shipping_state)i);
	}
	one(out, EXPOSITION_GAUGE, PREFIX "forward_spool_full", NULL,
		"Whether clients are refused because too much waits to be forwarded.",
		figures->full);
	one(out, EXPOSITION_GAUGE, PREFIX "forward_lag_bytes", "bytes",
		"What is stored and was not confirmed by the engine.", (double)figures->lag_bytes);
	one(out, EXPOSITION_GAUGE, PREFIX "forward_lag_seconds", "seconds",
		"For how long the oldest of that has waited.",
		(double)reading_lag_ms(reading) / 1e3);
	one(out, EXPOSITION_COUNTER, PREFIX "forward_batches", NULL,
		"Batches that the engine has confirmed.", (double)figures->batches);
	one(out, EXPOSITION_COUNTER, PREFIX "forwarded_bytes", "bytes",
		"Bytes that the engine has confirmed.", (double)figures->bytes);
	one(out, EXPOSITION_COUNTER, PREFIX "forward_retries", NULL,
		"Batches that had to be sent again.", (double)figures->retries);
	one(out, EXPOSITION_COUNTER, PREFIX "forward_dropped_bytes", "bytes",
		"Bytes that were dropped from a full spool.", (double)figures->dropped_bytes);
	one(out, EXPOSITION_COUNTER, PREFIX "forwarder_deaths", NULL,
		"Forwarders that were killed or have failed, and were replaced.",
		(double)figures->deaths);
}

static void
put_reloads(struct exposition *out, const struct board_info *info)
{
	one(out, EXPOSITION_GAUGE, PREFIX "settings_generation", NULL,
		"How often settings were put in force.", (double)info->settings_generation);
	one(out, EXPOSITION_GAUGE, PREFIX "worker_generation", NULL,
		"How often workers were started for new settings.",
		(double)info->worker_generation);
	one(out, EXPOSITION_GAUGE, PREFIX "log_generation", NULL,
		"How often the log was asked to be opened anew.", (double)info->log_generation);
	one(out, EXPOSITION_COUNTER, PREFIX "reloads", NULL, "Reloads that were asked for.",
		(double)info->reloads_asked);
	one(out, EXPOSITION_GAUGE, PREFIX "last_reload_successful", NULL,
		"Whether the last reload has put its settings in force.", info->reload_errors == 0);
	if (info->reloaded_us != 0)
		one(out, EXPOSITION_GAUGE, PREFIX "last_reload_timestamp_seconds", "seconds",
			"When the last reload finished, in seconds since 1970.",
			(double)info->reloaded_us / 1e6);
}

/* By the names that every program uses: of the process that answers, which is the monitor. */
static void
put_process(struct exposition *out, const struct look *look)
{
	struct process process;
	struct rlimit limit;
	if (process_read(getpid(), &process) < 0)
		return;
	one(out, EXPOSITION_COUNTER, "process_cpu_seconds", "seconds",
		"Processor time of the monitor.", process.cpu_s);
	one(out, EXPOSITION_GAUGE, "process_resident_memory_bytes", "bytes",
		"Resident memory of the monitor.", (double)process.resident_bytes);
	one(out, EXPOSITION_GAUGE, "process_virtual_memory_bytes", "bytes",
		"Virtual memory of the monitor.", (double)process.virtual_bytes);
	one(out, EXPOSITION_GAUGE, "process_start_time_seconds", "seconds",
		"When the monitor was started, in seconds since 1970.",
		(double)look->watched_us / 1e6);
	one(out, EXPOSITION_GAUGE, "process_open_fds", NULL,
		"Descriptors that the monitor has open.", (double)process_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		one(out, EXPOSITION_GAUGE, "process_max_fds", NULL,
			"Descriptors that the monitor may have open.", (double)limit.rlim_cur);
}

int
metrics_write(struct buf *buf, bool open_metrics, const struct look *look)
{
	struct exposition out = {.out = buf, .open_metrics = open_metrics};
	const struct reading *reading = &look->reading;
	put_daemon(&out, look);
	put_lines(&out, reading->totals.counts);
	put_counters(&out, reading->totals.counts);
	put_times(&out, &reading->times);
	put_limiter(&out, &reading->limiter);
	put_forward(&out, reading);
	put_reloads(&out, &reading->info);
	put_workers(&out, reading);
	put_each_worker(&out, reading);
	put_process(&out, look);
	return exposition_end(&out);
}
