/* SPDX-License-Identifier: ISC */
/* The paths, and who makes what is shown there. */
#include "monitor/answer.h"

#include "figures/document.h"
#include "monitor/files.h"
#include "monitor/html.h"
#include "monitor/metrics.h"

enum { OK = 200, NOT_FOUND = 404, UNAVAILABLE = 503 };

static const char plain[] = "text/plain; charset=utf-8";
static const char json[] = "application/json";

void
answer_refuse(struct answer *answer, unsigned status, const char *line)
{
	*answer = (struct answer){.status = status, .type = plain, .constant = slice_of(line)};
}

/* Each makes the body of one path: 0, or -1 with errno ENOMEM. */
typedef int make_body(
	struct answer *answer, struct watch *watch, const struct look *look, const char *accept);

static int
make_page(struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	(void)watch;
	(void)accept;
	return html_page(&answer->made, files_index(), look);
}

/* Takes the object over. */
static int
put_document(struct answer *answer, struct json_object *object)
{
	const char *text = object == NULL ? NULL : document_text(object);
	int result = text == NULL ? -1 : buf_printf(&answer->made, "%s\n", text);
	json_object_put(object);
	return result;
}

/* The lines of each, by pid. */
static struct json_object *
workers(const struct rates *of)
{
	struct json_object *object = json_object_new_object();
	for (size_t i = 1; object != NULL && i <= of->workers; i++)
		document_add(
			object, of->rows[i].name, document_rate(of->rows[i].values[RATES_LINES]));
	return object;
}

/* What `logcollectctl top` shows. */
static struct json_object *
rates(const struct rates *of)
{
	const struct rates_row *total = &of->rows[0];
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	document_add(object, "lines", document_rate(total->values[RATES_LINES]));
	for (size_t i = 0; i < VERDICTS; i++)
		document_add(object, verdict_name((enum verdict)i),
			document_rate(total->values[RATES_VERDICTS + i]));
	document_add(object, "kilobytes", document_rate(total->values[RATES_KILOBYTES]));
	document_add(object, "workers", workers(of));
	return object;
}

/* Null where nothing was answered. */
static struct json_object *
microseconds(int64_t time)
{
	return time < 0 ? NULL : json_object_new_int64(time);
}

/* What `top` tells in its head. */
static struct json_object *
interval(const struct rates *of)
{
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	document_add(object, "seconds", json_object_new_int(HISTORY_INTERVAL_S));
	document_add(object, "answer_p50_us", microseconds(of->p50_us));
	document_add(object, "answer_p99_us", microseconds(of->p99_us));
	return object;
}

static struct json_object *
storage(const struct storage *of)
{
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	document_add(object, "state", json_object_new_string(storage_state_name(of->state)));
	document_add_time(object, "since", of->since_us);
	document_add(object, "error",
		of->error == 0 ? NULL : json_object_new_string(strerror(of->error)));
	return object;
}

static struct json_object *
ready(const struct readiness *readiness)
{
	struct json_object *object = json_object_new_object(), *why = json_object_new_array();
	if (object == NULL)
		return NULL;
	for (size_t i = 0; why != NULL && i < readiness->count; i++)
		json_object_array_add(why, json_object_new_string(readiness->why[i]));
	document_add(object, "ready", json_object_new_boolean(readiness->ready));
	document_add(object, "why", why);
	return object;
}

static struct json_object *
addresses(const struct look *look)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; array != NULL && i < look->limited_count; i++)
		json_object_array_add(array, document_client(&look->limited->items[i]));
	return array;
}

static int
make_status(struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	struct json_object *object = document_make(&look->reading);
	(void)watch;
	(void)accept;
	if (object == NULL)
		return -1;
	document_add(object, "rates", rates(look->rates));
	document_add(object, "interval", interval(look->rates));
	document_add(object, "storage", storage(&look->storage));
	document_add(object, "ready", ready(&look->readiness));
	document_add(object, "addresses", addresses(look));
	return put_document(answer, object);
}

static int
make_history(
	struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	(void)look;
	(void)accept;
	return put_document(answer, history_document(&watch->history));
}

static int
make_metrics(
	struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	bool open_metrics = metrics_wants_open(accept);
	(void)watch;
	answer->type = open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	                            : "text/plain; version=0.0.4; charset=utf-8";
	return metrics_write(&answer->made, open_metrics, look);
}

/* Whoever answers lives. */
static int
make_health(struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	(void)watch;
	(void)accept;
	return buf_printf(&answer->made, "ok\n%s\n", board_state_name(look->reading.info.state));
}

static int
make_readiness(
	struct answer *answer, struct watch *watch, const struct look *look, const char *accept)
{
	const struct readiness *readiness = &look->readiness;
	(void)watch;
	(void)accept;
	answer->status = readiness->ready ? OK : UNAVAILABLE;
	int failed = buf_printf(&answer->made, "%s\n", readiness->ready ? "ok" : "not ready");
	for (size_t i = 0; i < readiness->count; i++)
		failed |= buf_printf(&answer->made, "%s\n", readiness->why[i]);
	return failed;
}

static const struct path {
	const char *path, *type;
	make_body *make; /* or */
	struct slice (*file)(void);
	bool addresses; /* it shows who is limited */
} paths[] = {
	{"/", "text/html; charset=utf-8", make_page, NULL, true},
	{"/page.js", "text/javascript; charset=utf-8", NULL, files_script, false},
	{"/page.css", "text/css; charset=utf-8", NULL, files_style, false},
	{"/status.json", json, make_status, NULL, true},
	{"/history.json", json, make_history, NULL, false},
	{"/metrics", plain, make_metrics, NULL, false},
	{"/healthz", plain, make_health, NULL, false},
	{"/readyz", plain, make_readiness, NULL, false},
};

static const struct path *
find(const char *name)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (strcmp(paths[i].path, name) == 0)
			return &paths[i];
	}
	return NULL;
}

static void
make(struct answer *answer, struct watch *watch, const struct path *path, const char *accept)
{
	struct look look;
	int result = watch_look(watch, &look, path->addresses);
	if (result == 0) {
		result = path->make(answer, watch, &look, accept);
		look_fini(&look);
	}
	if (result == 0)
		return;
	buf_fini(&answer->made);
	answer_refuse(answer, UNAVAILABLE, "there is no memory\n");
}

void
answer_make(struct answer *answer, struct watch *watch, const char *name, const char *accept)
{
	const struct path *path = find(name);
	if (path == NULL) {
		answer_refuse(answer, NOT_FOUND, "not found\n");
		return;
	}
	*answer = (struct answer){.status = OK, .type = path->type};
	if (path->make != NULL) {
		make(answer, watch, path, accept);
		return;
	}
	answer->constant = path->file();
	answer->keeps = true;
}
