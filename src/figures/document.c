/* SPDX-License-Identifier: ISC */
/*
 * Makes the document.  json-c aborts nothing when memory is short: an object that could not be made is NULL, and adding
 * NULL makes a null, so the one check is for the outermost.
 */
#include "figures/document.h"

#include <string.h>

#include "base/buf.h"
#include "core/format.h"

void
document_add(struct json_object *object, const char *name, struct json_object *value)
{
	if (json_object_object_add(object, name, value) < 0)
		json_object_put(value);
}

static void
add_number(struct json_object *object, const char *name, uint64_t number)
{
	document_add(object, name, json_object_new_uint64(number));
}

void
document_add_time(struct json_object *object, const char *name, int64_t wall_us)
{
	char stamp[FORMAT_STAMP_BYTES + 1];
	format_stamp(wall_us, stamp);
	document_add(object, name, wall_us == 0 ? NULL : json_object_new_string(stamp));
}

static void
add_silence(struct json_object *object, const struct reading *reading, int64_t beat_ms)
{
	add_number(object, "silent_ms", (uint64_t)reading_silence_ms(reading, beat_ms));
}

/* The bytes of the UTF-8 character that begins here (RFC 3629, section 4), or 0: none does. */
static size_t
character(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char first, last; /* of the first byte */
		unsigned char low, high;   /* of the second */
		size_t len;
	} kinds[] = {{0x00, 0x7f, 0, 0, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4}};
	size_t i = 0, len = 1;
	while (i < sizeof kinds / sizeof kinds[0] && (*at < kinds[i].first || *at > kinds[i].last))
		i++;
	if (i == sizeof kinds / sizeof kinds[0] || kinds[i].len > left ||
		(kinds[i].len > 1 && (at[1] < kinds[i].low || at[1] > kinds[i].high)))
		return 0;
	while (len < kinds[i].len && (len == 1 || (at[len] & 0xc0) == 0x80))
		len++;
	return len == kinds[i].len ? len : 0;
}

/* A configuration may hold any bytes, and its errors quote them; JSON is UTF-8, so that U+FFFD stands for what is none. */
static struct json_object *
quoted(const char *text, size_t len)
{
	static const struct slice instead = SLICE("\xef\xbf\xbd");
	struct buf clean = {0};
	bool failed = false;
	while (len > 0) {
		size_t taken = character((const unsigned char *)text, len);
		failed |= buf_append(&clean, taken > 0 ? (struct slice){text, taken} : instead) < 0;
		text += taken > 0 ? taken : 1;
		len -= taken > 0 ? taken : 1;
	}
	struct json_object *object = failed ? NULL
	                                    : json_object_new_string_len(
						      buf_string(&clean), (int)clean.len);
	buf_fini(&clean);
	return object;
}

static struct json_object *
lines(const char *text)
{
	struct json_object *array = json_object_new_array();
	while (array != NULL && *text != '\0') {
		size_t len = strcspn(text, "\n");
		json_object_array_add(array, quoted(text, len));
		text += len + (text[len] == '\n');
	}
	return array;
}

static struct json_object *
counts(const struct scoreboard_totals *totals)
{
	struct json_object *object = json_object_new_object();
	for (size_t i = 0; object != NULL && i < COUNTS; i++)
		add_number(object, count_name(i), totals->counts[i]);
	return object;
}

static struct json_object *
reload(const struct board_info *info)
{
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	add_number(object, "asked", info->reloads_asked);
	add_number(object, "finished", info->reloads_finished);
	document_add_time(object, "time", info->reloaded_us);
	add_number(object, "errors", info->reload_errors);
	document_add(object, "messages", lines(info->errors));
	return object;
}

static struct json_object *
limiter(const struct limiter_stats *stats)
{
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	add_number(object, "addresses", stats->entries);
	add_number(object, "evictions", stats->evictions);
	add_number(object, "lock_repairs", stats->repairs);
	return object;
}

static struct json_object *
forward(const struct reading *reading)
{
	const struct shipping_figures *figures = &reading->shipping;
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	document_add(object, "state", json_object_new_string(shipping_state_name(figures->state)));
	document_add(object, "spool_full", json_object_new_boolean(figures->full));
	document_add(object, "lag_bytes", json_object_new_int64(figures->lag_bytes));
	document_add(object, "lag_ms", json_object_new_int64(reading_lag_ms(reading)));
	add_number(object, "batches", figures->batches);
	add_number(object, "bytes", figures->bytes);
	add_number(object, "retries", figures->retries);
	add_number(object, "dropped_bytes", figures->dropped_bytes);
	add_number(object, "deaths", figures->deaths);
	return object;
}

/* Null where nothing was answered yet. */
static struct json_object *
times(const struct histogram *histogram)
{
	static const struct {
		const char *name;
		double share;
	} marks[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p100", 1}};
	if (histogram_percentile(histogram, 1) < 0)
		return NULL;
	struct json_object *object = json_object_new_object();
	for (size_t i = 0; object != NULL && i < sizeof marks / sizeof marks[0]; i++)
		document_add(object, marks[i].name,
			json_object_new_int64(histogram_percentile(histogram, marks[i].share)));
	return object;
}

static struct json_object *
worker(const struct reading *reading, const struct worker_reading *worker)
{
	const struct scoreboard_slot *seen = &worker->seen;
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	add_number(object, "slot", worker->slot);
	document_add(object, "pid", json_object_new_int(seen->pid));
	document_add(object, "state", json_object_new_string(slot_state_name(seen->state)));
	add_number(object, "generation", seen->worker_generation);
	document_add_time(object, "started", seen->born_us);
	add_silence(object, reading, seen->beat_ms);
	add_number(object, "clients", seen->clients);
	add_number(object, "most_clients", seen->most_clients);
	add_number(object, "settings_generation", seen->settings_generation);
	add_number(object, "log_generation", seen->log_generation);
	document_add(object, "log_error",
		seen->log_error == 0 ? NULL : json_object_new_string(strerror(seen->log_error)));
	document_add(object, "counts", counts(&seen->totals));
	return object;
}

static struct json_object *
workers(const struct reading *reading)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; array != NULL && i < reading->worker_count; i++)
		json_object_array_add(array, worker(reading, &reading->workers[i]));
	return array;
}

static void
fill(struct json_object *object, const struct reading *reading)
{
	const struct board_info *info = &reading->info;
	document_add(object, "version", json_object_new_string(LOGCOLLECTD_VERSION));
	document_add_time(object, "time", reading->wall_us);
	document_add(object, "pid", json_object_new_int(reading->pid));
	document_add(object, "state", json_object_new_string(board_state_name(info->state)));
	document_add_time(object, "started", info->started_us);
	add_silence(object, reading, reading->beat_ms);
	document_add(object, "listening", lines(info->listening));
	add_number(object, "worker_generation", info->worker_generation);
	add_number(object, "settings_generation", info->settings_generation);
	add_number(object, "log_generation", info->log_generation);
	add_number(object, "worker_deaths", info->worker_deaths);
	add_number(object, "clients", reading_clients(reading));
	document_add(object, "reload", reload(info));
	document_add(object, "counts", counts(&reading->totals));
	document_add(object, "limiter", limiter(&reading->limiter));
	document_add(object, "forward", forward(reading));
	document_add(object, "answer_us", times(&reading->times));
	document_add(object, "workers", workers(reading));
}

struct json_object *
document_make(const struct reading *reading)
{
	struct json_object *object = json_object_new_object();
	if (object != NULL)
		fill(object, reading);
	return object;
}

struct json_object *
document_rate(double rate)
{
	char text[32];
	snprintf(text, sizeof text, "%.3f", rate);
	char *end = text + strlen(text);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
	return json_object_new_double_s(rate, text);
}

/* An object that says whom it is about, or NULL. */
static struct json_object *
about(const struct limiter_client *client)
{
	char address[ADDRESS_TEXT_MAX];
	struct json_object *object = json_object_new_object();
	if (object != NULL)
		document_add(object, "address",
			json_object_new_string(address_format(&client->address, address)));
	return object;
}

struct json_object *
document_client(const struct limiter_client *client)
{
	struct json_object *object = about(client);
	if (object == NULL)
		return NULL;
	document_add(object, "limited_now", json_object_new_boolean(client->is_limited));
	document_add(object, "passed", json_object_new_int64(client->used));
	document_add(object, "limited", json_object_new_uint64(client->limited));
	document_add(object, "left_ms", json_object_new_int64(client->left_ms));
	return object;
}

struct json_object *
document_denied(const struct limiter_client *client)
{
	struct json_object *object = about(client);
	if (object == NULL)
		return NULL;
	add_number(object, "denied", client->limited);
	document_add(object, "last_ms", json_object_new_int64(limiter_noted_ms(client)));
	return object;
}

const char *
document_text(struct json_object *object)
{
	return json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
}
