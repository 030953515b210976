/* SPDX-License-Identifier: ISC */
/* The arithmetic of `top`. */
#include "figures/rates.h"

#include <bsd/string.h>
#include <stdlib.h>

enum { ADDRESSES_MAX = 50, NARROWEST = 7 };

int
moment_take(struct moment *moment, const struct shared *shared)
{
	*moment = (struct moment){0};
	if (reading_take(&moment->reading, shared) < 0)
		return -1;
	addresses_list(&moment->clients, shared, ADDRESSES_EVER_LIMITED);
	return 0;
}

void
moment_fini(struct moment *moment)
{
	reading_fini(&moment->reading);
	addresses_fini(&moment->clients);
}

static void
set(struct rates_row *row, size_t column, double value)
{
	row->values[column] = value;
	row->known[column] = true;
}

/* The counts since the earlier moment, as rates. */
static void
set_counts(struct rates_row *row, const struct scoreboard_totals *since, double seconds)
{
	set(row, RATES_LINES, (double)since->counts[COUNT_LINES] / seconds);
	for (size_t i = 0; i < VERDICTS; i++)
		set(row, RATES_VERDICTS + i, (double)since->counts[i] / seconds);
	set(row, RATES_KILOBYTES, (double)since->counts[COUNT_BYTES_IN] / 1000 / seconds);
}

static void
add_total(struct rates *rates, const struct moment *earlier, const struct moment *later,
	double seconds)
{
	struct rates_row *row = &rates->rows[rates->count++];
	struct scoreboard_totals since = later->reading.totals;
	*row = (struct rates_row){.kind = RATES_TOTAL, .name = "total", .state = ""};
	for (size_t i = 0; i < COUNTS; i++)
		since.counts[i] -= earlier->reading.totals.counts[i];
	set_counts(row, &since, seconds);
	set(row, RATES_CLIENTS, (double)reading_clients(&later->reading));
}

static void
add_worker(struct rates *rates, const struct worker_reading *worker, const struct reading *earlier,
	double seconds)
{
	struct rates_row *row = &rates->rows[rates->count++];
	struct scoreboard_totals since = reading_since(worker, earlier);
	*row = (struct rates_row){
		.kind = RATES_WORKER, .state = slot_state_name(worker->seen.state)};
	snprintf(row->name, sizeof row->name, "%d", (int)worker->seen.pid);
	set_counts(row, &since, seconds);
	set(row, RATES_CLIENTS, (double)worker->seen.clients);
}

static void
add_address(struct rates *rates, const struct limiter_client *client,
	const struct addresses *earlier, double seconds)
{
	struct rates_row *row = &rates->rows[rates->count++];
	const struct limiter_client *before = addresses_find(earlier, &client->address);
	uint64_t limited = client->limited;
	/* Less than before: the entry was given up and taken anew. */
	if (before != NULL && before->limited <= limited)
		limited -= before->limited;
	*row = (struct rates_row){
		.kind = RATES_ADDRESS, .state = client->is_limited ? "limited" : ""};
	address_format(&client->address, row->name);
	set(row, RATES_VERDICTS + VERDICT_LIMITED, (double)limited / seconds);
}

int
rates_make(struct rates *rates, const struct moment *earlier, const struct moment *later)
{
	const struct reading *reading = &later->reading;
	size_t addresses = later->clients.count;
	if (addresses > ADDRESSES_MAX)
		addresses = ADDRESSES_MAX;
	*rates = (struct rates){.workers = reading->worker_count};
	rates->rows = calloc(1 + reading->worker_count + addresses, sizeof *rates->rows);
	if (rates->rows == NULL)
		return -1;
	int64_t passed_ms = reading->mono_ms - earlier->reading.mono_ms;
	double seconds = passed_ms > 0 ? (double)passed_ms / 1000 : 0.001;
	struct histogram times = reading->times;
	histogram_subtract(&times, &earlier->reading.times);
	rates->p50_us = histogram_percentile(&times, 0.5);
	rates->p99_us = histogram_percentile(&times, 0.99);
	add_total(rates, earlier, later, seconds);
	for (size_t i = 0; i < reading->worker_count; i++)
		add_worker(rates, &reading->workers[i], &earlier->reading, seconds);
	for (size_t i = 0; i < addresses; i++)
		add_address(rates, &later->clients.items[i], &earlier->clients, seconds);
	return 0;
}

void
rates_fini(struct rates *rates)
{
	free(rates->rows);
	rates->rows = NULL;
}

const struct rates_row *
rates_of_worker(const struct rates *rates, pid_t pid)
{
	char name[sizeof rates->rows->name];
	snprintf(name, sizeof name, "%d", (int)pid);
	for (size_t i = 1; i <= rates->workers; i++) {
		if (strcmp(rates->rows[i].name, name) == 0)
			return &rates->rows[i];
	}
	return NULL;
}

struct sorting {
	size_t column;
	bool least_first;
};

static int
compare(const void *left, const void *right, void *context)
{
	const struct rates_row *a = left, *b = right;
	const struct sorting *sorting = context;
	double difference = a->values[sorting->column] - b->values[sorting->column];
	if (difference == 0)
		return strcmp(a->name, b->name);
	return (difference < 0) == sorting->least_first ? -1 : 1;
}

void
rates_sort(struct rates *rates, size_t column, bool least_first)
{
	struct sorting workers = {column, least_first};
	struct sorting addresses = {RATES_VERDICTS + VERDICT_LIMITED, least_first};
	struct rates_row *first = rates->rows + 1;
	qsort_r(first, rates->workers, sizeof *first, compare, &workers);
	qsort_r(first + rates->workers, rates->count - 1 - rates->workers, sizeof *first, compare,
		&addresses);
}

const char *
rates_column_name(size_t column)
{
	static const char *const names[RATES_COLUMNS] = {
		[RATES_CLIENTS] = "CLIENTS",
		[RATES_LINES] = "LINES",
		[RATES_VERDICTS + VERDICT_RECEIVED] = "RECEIVED",
		[RATES_VERDICTS + VERDICT_FILTERED] = "FILTERED",
		[RATES_VERDICTS + VERDICT_INVALID] = "INVALID",
		[RATES_VERDICTS + VERDICT_NOT_OBJECT] = "NOT_OBJECT",
		[RATES_VERDICTS + VERDICT_MISSING] = "MISSING",
		[RATES_VERDICTS + VERDICT_LIMITED] = "LIMITED",
		[RATES_VERDICTS + VERDICT_TOO_LONG] = "TOO_LONG",
		[RATES_VERDICTS + VERDICT_UNKNOWN_LEVEL] = "UNKNOWN_LEVEL",
		[RATES_VERDICTS + VERDICT_FAILED] = "FAILED",
		[RATES_KILOBYTES] = "KB",
	};
	return names[column];
}

int
rates_column_width(size_t column)
{
	int len = (int)strlen(rates_column_name(column));
	return len < NARROWEST ? NARROWEST : len;
}
