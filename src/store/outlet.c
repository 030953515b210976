/* SPDX-License-Identifier: ISC */
/* Chooses, opens and changes the file. */
#include "store/outlet.h"

#include <errno.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "store/mend.h"
#include "store/syncer.h"

enum {
	SECOND_US = 1000000,
	/* Each of these means that others have filled a new file before us. */
	STALE_TRIES = 1000,
};

static int64_t
divide_down(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

int64_t
outlet_period(const struct outlet *outlet, int64_t wall_us)
{
	int64_t span_s = outlet->target->span_s;
	return span_s == 0 ? 0 : divide_down(wall_us, span_s * SECOND_US);
}

/* Expands the name where it may have changed. */
static void
choose_name(struct outlet *outlet, int64_t wall_us)
{
	int64_t period = outlet_period(outlet, wall_us);
	if (outlet->name[0] != '\0' && period == outlet->period)
		return;
	char name[FILENAME_BYTES];
	filename_expand(outlet->target->name, divide_down(wall_us, SECOND_US), name);
	outlet->anew |= strcmp(name, outlet->name) != 0;
	memcpy(outlet->name, name, sizeof name);
	outlet->period = period;
}

/* Whoever was killed while appending here may have been the last to do so. */
static void
close_file(struct outlet *outlet)
{
	if (outlet->file.fd >= 0)
		(void)logfile_mend(&outlet->file);
	if (outlet->target->syncer != NULL)
		syncer_flush(outlet->target->syncer);
	logfile_close(&outlet->file);
}

static bool
has_failed(bool *failing, struct trouble *trouble)
{
	*failing = true;
	return trouble_failed(trouble, clock_mono_ms());
}

/* The end is told by one who had the trouble: with others it may never have begun, and goes on here. */
static bool
is_over(bool *failing, struct trouble *trouble)
{
	bool failed = *failing;
	*failing = false;
	return failed && trouble_over(trouble);
}

static void
report_opening(struct outlet *outlet, int error)
{
	struct trouble *trouble = &outlet->troubles->opening;
	if (error != 0 && has_failed(&outlet->failing.opening, trouble))
		errlog_error("%s/%s: cannot open: %s; records still go to the file open as %s",
			outlet->target->dir, outlet->name, strerror(error), outlet->file.path);
	else if (error == 0 && is_over(&outlet->failing.opening, trouble))
		errlog_info("%s: records go there now", outlet->file.path);
}

static void
reach(struct outlet *outlet)
{
	atomic_store_explicit(&outlet->generation, outlet->asked, memory_order_release);
}

/* Opens the file by its name, and links it into the spool where it is to be forwarded.  0, or -1 with errno. */
static int
open_fresh(const struct outlet *outlet, struct logfile *fresh)
{
	const struct target *target = outlet->target;
	for (int i = 0; i < STALE_TRIES; i++) {
		if (logfile_open(fresh, target->dir, outlet->name, outlet->file.mark) != 0)
			return -1;
		if (target->spool == NULL || logfile_hold(fresh, target->spool) == 0)
			return 0;
		int saved = errno;
		logfile_close(fresh);
		errno = saved;
		if (errno != ESTALE)
			return -1;
	}
	/* No reason for others to try as often. */
	errno = EBUSY;
	return -1;
}

/*
 * Opens the file of that time where another one or none is open, and anew where that was asked for. 
 * The old descriptor is kept until there is a new one, which may be long when clients have used
 * them up.  0, or -1 with errno: there is no file at all.
 */
static int
open_file(struct outlet *outlet, int64_t wall_us)
{
	choose_name(outlet, wall_us);
	if (outlet->file.fd >= 0 && !outlet->anew && !outlet->doubtful)
		return 0;
	struct logfile fresh;
	if (open_fresh(outlet, &fresh) != 0) {
		atomic_store(&outlet->error, errno);
		if (outlet->file.fd < 0) {
			reach(outlet);
			return -1;
		}
		if (outlet->anew)
			report_opening(outlet, errno);
		return 0;
	}
	close_file(outlet);
	outlet->file = fresh;
	outlet->anew = outlet->doubtful = false;
	atomic_store(&outlet->error, 0);
	report_opening(outlet, 0);
	reach(outlet);
	return 0;
}

static void
report_storing(struct outlet *outlet, int error)
{
	struct trouble *trouble = &outlet->troubles->storing;
	if (error != 0 && has_failed(&outlet->failing.storing, trouble))
		errlog_error("%s/%s: cannot store records: %s", outlet->target->dir, outlet->name,
			strerror(error));
	else if (error == 0 && is_over(&outlet->failing.storing, trouble))
		errlog_info("%s: records are stored again", outlet->file.path);
}

static void
report_rotating(struct outlet *outlet, int error)
{
	struct trouble *trouble = &outlet->troubles->rotating;
	if (error != 0 && has_failed(&outlet->failing.rotating, trouble))
		errlog_error("%s: cannot rotate, the file grows on: %s", outlet->file.path,
			strerror(error));
	else if (error == 0 && is_over(&outlet->failing.rotating, trouble))
		errlog_info("%s: is no longer too large", outlet->file.path);
}

static int
try_append(struct outlet *outlet, int64_t wall_us, struct iovec *vector, size_t count)
{
	/* Nothing is wrong with the file: it stays open. */
	if (outlet->target->spool != NULL && outlet->shipping != NULL &&
		atomic_load_explicit(&outlet->shipping->full, memory_order_relaxed) != 0)
		return errno = EDQUOT, -1;
	if (open_file(outlet, wall_us) != 0)
		return -1;
	struct logfile *file = &outlet->file;
	file->rotation = outlet->target->rotation;
	int appended = logfile_append(file, vector, count, outlet->target->sync_always);
	outlet->lock_waits += file->waited;
	if (appended != 0) {
		outlet->doubtful = true;
		return -1;
	}
	report_rotating(outlet, file->rotate_error);
	if (outlet->target->syncer != NULL && syncer_note(outlet->target->syncer, file->fd) != 0)
		(void)logfile_sync(file->fd);
	return 0;
}

int
outlet_append(struct outlet *outlet, int64_t wall_us, struct iovec *vector, size_t count)
{
	int error = ESTALE;
	for (int i = 0; error == ESTALE && i < STALE_TRIES; i++) {
		error = try_append(outlet, wall_us, vector, count) == 0 ? 0 : errno;
		/* It is of no use to anyone, and a descriptor for the new one may be missing. */
		if (error == ESTALE)
			close_file(outlet);
	}
	report_storing(outlet, error);
	return error;
}

struct position
outlet_end(const struct outlet *outlet)
{
	const struct logfile *file = &outlet->file;
	if (file->fd < 0 || file->spool < 0)
		return (struct position){.segment = UINT64_MAX, .offset = INT64_MAX};
	return (struct position){file->spool_id, file->segment.number, file->end};
}

/* Opens what is wanted at that time; says so when there is nothing to write to. */
static int
open_now(struct outlet *outlet, int64_t wall_us)
{
	int error = open_file(outlet, wall_us) == 0 ? 0 : errno;
	if (error != 0)
		report_storing(outlet, error);
	return error;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void
outlet_retarget(struct outlet *outlet, struct target *target, int64_t wall_us)
{
	struct target *old = outlet->target;
	bool elsewhere = strcmp(old->dir, target->dir) != 0;
	outlet->target = target;
	/* The same name in another folder is another file; another pattern may give the same name. */
	outlet->anew |= elsewhere || !is_same(old->spool, target->spool);
	outlet->period = INT64_MIN;
	(void)open_now(outlet, wall_us);
	if (elsewhere)
		mend_folder(target->dir, outlet->file.mark);
	/* Only now is the old file closed, or the new target's to sync. */
	target_free(old);
}

void
outlet_reopen(struct outlet *outlet, uint64_t generation, int64_t wall_us)
{
	if (generation <= outlet_generation(outlet))
		return;
	if (generation > outlet->asked)
		outlet->asked = generation;
	outlet->anew = true;
	(void)open_now(outlet, wall_us);
}

uint64_t
outlet_generation(const struct outlet *outlet)
{
	return atomic_load_explicit(&outlet->generation, memory_order_acquire);
}

int
outlet_error(const struct outlet *outlet)
{
	return atomic_load(&outlet->error);
}

int
outlet_init(struct outlet *outlet, struct target *target, const struct journal_world *world,
	int64_t wall_us)
{
	*outlet = (struct outlet){.target = target,
		.troubles = world->troubles,
		.shipping = world->shipping,
		.file = {.fd = -1, .mark = world->mark, .spool = -1}};
	int error = open_now(outlet, wall_us);
	mend_folder(target->dir, world->mark);
	return error;
}

void
outlet_fini(struct outlet *outlet)
{
	target_free(outlet->target);
	logfile_close(&outlet->file);
}
