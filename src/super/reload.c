/* SPDX-License-Identifier: ISC */
/* Loads, checks and opens what a reload changes. */
#include "super/reload.h"

#include <errno.h>
#include <stdarg.h>

#include "base/errlog.h"
#include "settings/diff.h"
#include "super/credentials.h"
#include "super/secrets.h"

enum { STATUS_BACKLOG = 64 };

static int __attribute__((format(printf, 2, 3)))
fail(struct reload *reload, const char *format, ...)
{
	char line[ERRLOG_LINE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	buf_printf(&reload->errors, "%s\n", line);
	reload->error_count++;
	return -1;
}

/* Directives that a reload cannot change are named and stay as they are. */
static int
keep_restart(struct reload *reload, const struct settings *old)
{
	struct buf names = {0};
	int count = settings_diff(old, &reload->settings, SCOPE_RESTART, &names);
	if (count > 0)
		buf_printf(&reload->warnings, "needs a restart, kept as it was: %s\n",
			buf_string(&names));
	settings_keep(&reload->settings, old, SCOPE_RESTART);
	buf_fini(&names);
	return count < 0 ? fail(reload, "out of memory") : 0;
}

static int
check_room(struct reload *reload, const struct reload_request *request)
{
	if ((size_t)reload->settings.threads_per_worker > request->places)
		return fail(
			reload, "ThreadsPerWorker: more than %zu need a restart", request->places);
	if ((size_t)reload->settings.workers > request->free_slots)
		return fail(reload,
			"Workers: there is room for %zu more beside those that still serve "
			"their clients; restart, or set GracefulDrainTimeout",
			request->free_slots);
	return 0;
}

int
reload_open_status(struct listener_set *set, const struct settings *settings,
	const struct listener_set *old, struct buf *errors)
{
	const struct listen status = {.endpoint = settings->status_listen, .mode = LISTEN_MODE};
	const struct listener_request request = {
		.listens = &status,
		.count = settings->status_listen.host[0] != '\0',
		.backlog = STATUS_BACKLOG,
		.old = old,
	};
	struct buf lines = {0};
	int result = listener_open(set, &request, &lines);
	int saved = errno;
	for (size_t at = 0; at < lines.len;) {
		const char *end = memchr(lines.data + at, '\n', lines.len - at);
		size_t len = end == NULL ? lines.len - at : (size_t)(end - lines.data) - at + 1;
		buf_printf(errors, "StatusListen: %.*s", (int)len, lines.data + at);
		at += len;
	}
	buf_fini(&lines);
	errno = saved;
	return result;
}

/* Those from `before` on. */
static void
count_errors(struct reload *reload, size_t before)
{
	for (size_t i = before; i < reload->errors.len; i++)
		reload->error_count += reload->errors.data[i] == '\n';
}

static int
prepare_status(struct reload *reload, const struct reload_request *request)
{
	size_t before = reload->errors.len;
	if (reload_open_status(
		    &reload->status, &reload->settings, request->status, &reload->errors) == 0)
		return 0;
	count_errors(reload, before);
	return -1;
}

/* Files are read again whatever the settings: a certificate is renewed in its place. */
static int
prepare_secrets(struct reload *reload, const struct reload_request *request)
{
	size_t before = reload->errors.len;
	struct buf told_by_forwarder = {0};
	int result = secrets_load(&reload->settings, request->tickets, &reload->tls,
		&reload->errors, &reload->warnings);
	result |= credentials_check(&reload->settings, &reload->errors, &told_by_forwarder);
	buf_fini(&told_by_forwarder);
	if (result < 0) {
		count_errors(reload, before);
		secrets_forget(&reload->tls);
		return -1;
	}
	reload->new_secrets = !tls_is_same(reload->tls, request->tls);
	return 0;
}

/* Opens what new workers need, when any of their settings has changed. */
static int
prepare_workers(struct reload *reload, const struct reload_request *request)
{
	struct buf names = {0};
	int count = settings_diff(request->old, &reload->settings, SCOPE_NEW_WORKERS, &names);
	buf_fini(&names);
	if (count < 0)
		return fail(reload, "out of memory");
	/* A socket that nobody finds any more is made anew, also without a change. */
	reload->new_workers = count > 0 || reload->new_secrets ||
	                      listener_is_cut_off(request->listeners);
	if (!reload->new_workers)
		return 0;
	if (check_room(reload, request) < 0)
		return -1;
	const struct listener_request listeners = {
		.listens = reload->settings.listen,
		.count = (size_t)reload->settings.listen_count,
		.backlog = (int)reload->settings.listen_backlog,
		.old = request->listeners,
		.passed = request->passed,
		.owner = request->socket_owner,
	};
	size_t before = reload->errors.len;
	if (listener_open(&reload->listeners, &listeners, &reload->errors) == 0)
		return 0;
	count_errors(reload, before);
	return -1;
}

/* Whether somebody is to open a log that is not open yet. */
static bool
log_is_new(const struct reload *reload, const struct settings *old)
{
	const struct settings *new = &reload->settings;
	return new->policy.persist &&
	       (reload->new_workers || !old->policy.persist ||
		       strcmp(new->log_dir, old->log_dir) != 0 ||
		       strcmp(new->log_filename, old->log_filename) != 0 ||
		       strcmp(new->forward_spool, old->forward_spool) != 0 ||
		       strcmp(new->forward.scheme, old->forward.scheme) != 0);
}

/*
 * Old workers would keep their file where new ones had none.  A log that is open already may have lost its folder; but when
 * that cannot be had, settings that have nothing to do with it are put in force all the same.
 */
static int
try_log(struct reload *reload, const struct reload_request *request)
{
	const struct settings *settings = &reload->settings;
	int error = settings->policy.persist ? request->make_log(request->owner, settings) : 0;
	if (!log_is_new(reload, request->old))
		return 0;
	if (error != 0)
		return fail(
			reload, "LogDir: cannot make %s: %s", settings->log_dir, strerror(error));
	error = request->try_log(request->owner, settings);
	if (error == EXDEV)
		return fail(reload,
			"ForwardSpool: it must be on the file system of LogDir %s, as a folder in "
			"it is",
			settings->log_dir);
	return error == 0 ? 0
	                  : fail(reload, "LogDir, LogFilename: cannot open %s/%s: %s",
				    settings->log_dir, settings->log_filename, strerror(error));
}

/* Also without a change: the file may have been rotated. */
static int
open_errlog(struct reload *reload)
{
	const char *target = reload->settings.error_log;
	if (errlog_open(target) == 0)
		return 0;
	return fail(reload, "ErrorLog: cannot open %s: %s", target, strerror(errno));
}

static void
drop_secrets(struct reload *reload)
{
	secrets_forget(&reload->tls);
}

int
reload_build(struct reload *reload, const struct reload_request *request)
{
	*reload = (struct reload){0};
	reload->error_count = request->load(request->context, &reload->settings, &reload->errors);
	if (reload->error_count > 0)
		return -1;
	if (keep_restart(reload, request->old) < 0 || prepare_secrets(reload, request) < 0)
		return -1;
	if (prepare_workers(reload, request) < 0) {
		drop_secrets(reload);
		return -1;
	}
	if (prepare_status(reload, request) == 0 && try_log(reload, request) == 0 &&
		open_errlog(reload) == 0)
		return 0;
	listener_abandon(&reload->status, request->status);
	if (reload->new_workers)
		listener_abandon(&reload->listeners, request->listeners);
	drop_secrets(reload);
	return -1;
}

void
reload_fini(struct reload *reload)
{
	buf_fini(&reload->warnings);
	buf_fini(&reload->errors);
}
