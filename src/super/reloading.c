/* SPDX-License-Identifier: ISC */
/* Switches to what a reload has built, and tells everybody. */
#include "super/reloading.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/order.h"
#include "guard/powers.h"
#include "super/log_folder.h"
#include "super/notice.h"

enum { TRY_LOG_MS = 2000 };

/* All reloads that were asked for before this one began are answered with it. */
static void
finish(const struct reloading *reloading, size_t error_count, const struct buf *text)
{
	const struct shared *shared = reloading->plan->shared;
	scoreboard_reload_finished(shared->board, reloading->answering,
		published_generation(shared->settings), error_count,
		text->len > 0 ? buf_string((struct buf *)(uintptr_t)text) : NULL,
		clock_read().wall_us);
	if (error_count > 0)
		errlog_error("reload failed, everything stays as it was");
	else
		errlog_info("reloaded");
	manager_ready(reloading->plan->manager);
}

static bool
is_same(const struct listener_set *a, const struct listener_set *b)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!listener_is_in(b, &a->items[i]))
			return false;
	}
	return a->count == b->count;
}

/* The monitor is replaced where it is to listen elsewhere. */
static void
switch_status(const struct reloading *reloading, struct listener_set *next)
{
	struct listener_set *status = reloading->plan->status;
	bool elsewhere = !is_same(status, next);
	notice_status(status, next, "no longer status on");
	notice_status(next, status, "status on");
	listener_switch(status, next);
	if (elsewhere)
		attendant_want(reloading->attendant, status->count > 0);
}

/* The workers that are there have their own copy, and go on with it. */
static void
switch_secrets(const struct reloading *reloading, struct reload *reload)
{
	struct tls **tls = reloading->plan->tls;
	struct tls *old = reload->new_workers ? *tls : reload->tls;
	if (reload->new_workers)
		*tls = reload->tls;
	if (reload->new_secrets && *tls != NULL)
		errlog_info("new clients get the certificate in %s",
			reload->settings.tls_certificate_file);
	tls_free(old);
	reload->tls = NULL;
}

/* One that goes on follows the settings itself. */
static void
switch_forwarder(const struct reloading *reloading, const struct settings *next)
{
	const struct supervisor_plan *plan = reloading->plan;
	bool wanted = next->forward.scheme[0] != '\0';
	if (wanted == (plan->settings->forward.scheme[0] != '\0'))
		return;
	struct shipping *shipping = scoreboard_shipping(plan->shared->board);
	if (!wanted) {
		atomic_store(&shipping->state, SHIPPING_OFF);
		atomic_store(&shipping->full, 0);
	}
	attendant_want(reloading->forwarder, wanted);
}

/* Everything new is there: switches to it. */
static void
put_in_force(const struct reloading *reloading, struct reload *reload, bool held_up)
{
	const struct supervisor_plan *plan = reloading->plan;
	struct crew *crew = reloading->crew;
	if (reload->new_workers) {
		notice_listeners(plan->listeners, &reload->listeners, "no longer listening on");
		notice_listeners(&reload->listeners, plan->listeners, "listening on");
		listener_switch(plan->listeners, &reload->listeners);
	}
	switch_status(reloading, &reload->status);
	switch_secrets(reloading, reload);
	switch_forwarder(reloading, &reload->settings);
	*plan->settings = reload->settings;
	powers_hide(plan->settings->sandbox != 0);
	errlog_set_level((enum errlog_level)plan->settings->error_log_level);
	published_write(plan->shared->settings, plan->settings, sizeof *plan->settings);
	crew_order(crew, ORDER_SETTINGS, errlog_descriptor());
	attendant_order(reloading->attendant, ORDER_SETTINGS, errlog_descriptor());
	attendant_order(reloading->forwarder, ORDER_SETTINGS, errlog_descriptor());
	/* One that was held up is not needed: that before it serves until the new one does. */
	if (reload->new_workers && held_up)
		crew_retire_newest(crew);
	if (reload->new_workers)
		crew_new_generation(crew, (size_t)plan->settings->workers);
	notice_board(plan->shared, plan->listeners, crew->generation);
	notice_title(plan->settings);
}

void
reloading_reopen_logs(const struct reloading *reloading)
{
	const struct settings *settings = reloading->plan->settings;
	scoreboard_ask_log(reloading->plan->shared->board);
	if (errlog_descriptor() >= 0 && errlog_open(settings->error_log) < 0)
		errlog_error("ErrorLog: cannot open %s: %s, the old one stays in use",
			settings->error_log, strerror(errno));
	crew_order(reloading->crew, ORDER_REOPEN, errlog_descriptor());
	attendant_order(reloading->attendant, ORDER_REOPEN, errlog_descriptor());
	attendant_order(reloading->forwarder, ORDER_REOPEN, errlog_descriptor());
}

/* The folder may be on a disk that is dead: the supervisor does not even look at it. */
static int
make_log(void *owner, const struct settings *settings)
{
	struct reloading *reloading = owner;
	const struct log_folder folder = {settings, reloading->plan->privileges};
	if (!folder.privileges->change)
		return 0;
	int error = errand_run(&reloading->errands, NULL, log_folder_errand, &folder, TRY_LOG_MS);
	return error < 0 ? 0 : error;
}

static int
try_log(void *owner, const struct settings *settings)
{
	struct reloading *reloading = owner;
	int error = errand_run(&reloading->errands, reloading->plan->privileges,
		reloading->plan->try_log, settings, TRY_LOG_MS);
	/* Without an answer mending the settings must not wait for one: where no process can be had. */
	return error < 0 ? 0 : error;
}

/* All reloads that are asked for up to now are answered with this one. */
static int
build(struct reloading *reloading, struct reload *reload)
{
	const struct supervisor_plan *plan = reloading->plan;
	const struct local_owner owner = {plan->privileges->uid, plan->privileges->gid};
	const struct reload_request request = {
		.load = plan->load,
		.context = plan->context,
		.make_log = make_log,
		.try_log = try_log,
		.owner = reloading,
		.old = plan->settings,
		.listeners = plan->listeners,
		.passed = plan->passed,
		.status = plan->status,
		.tls = *plan->tls,
		.tickets = plan->shared->secrets,
		.socket_owner = plan->privileges->change ? &owner : NULL,
		.free_slots = crew_free_slots(reloading->crew),
		.places = roster_places(plan->shared->roster),
	};
	struct board_info info;
	scoreboard_info(plan->shared->board, &info);
	reloading->answering = info.reloads_asked;
	return reload_build(reload, &request);
}

bool
reloading_begin(struct reloading *reloading, bool held_up)
{
	struct reload reload;
	manager_reloading(reloading->plan->manager);
	int result = build(reloading, &reload);
	notice_lines(&reload.errors, errlog_error);
	notice_lines(&reload.warnings, errlog_warn);
	if (result == 0)
		put_in_force(reloading, &reload, held_up);
	/* Whatever the file says: HUP is what many a rotation script sends. */
	reloading_reopen_logs(reloading);
	bool new_generation = result == 0 && reload.new_workers;
	if (new_generation) {
		buf_fini(&reloading->warnings);
		reloading->warnings = reload.warnings;
		reload.warnings = (struct buf){0};
	} else {
		finish(reloading, reload.error_count,
			result == 0 ? &reload.warnings : &reload.errors);
	}
	reload_fini(&reload);
	return new_generation;
}

void
reloading_end(struct reloading *reloading)
{
	crew_retire_older(reloading->crew);
	finish(reloading, 0, &reloading->warnings);
}

void
reloading_fini(struct reloading *reloading)
{
	buf_fini(&reloading->warnings);
}
