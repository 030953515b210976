/* SPDX-License-Identifier: ISC */
/* Counts what is in the spool. */
#include "forward/account.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "base/futex.h"
#include "forward/shipper.h"

enum { PATIENCE_MS = 10000 }; /* with what is on its way, before it is dropped */

/* The bytes of a segment that are not confirmed. */
static int64_t
left_of(const struct shipper *shipper, const struct segment *segment)
{
	struct stat st;
	int64_t from = segment->start;
	if (segment->number < shipper->at.segment.number)
		return 0;
	if (segment->number == shipper->at.segment.number)
		from = shipper->at.start;
	if (fstatat(shipper->spool, segment->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return st.st_size > from ? st.st_size - from : 0;
}

static int64_t
left(const struct shipper *shipper)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < shipper->segments.count; i++)
		bytes += left_of(shipper, &shipper->segments.items[i]);
	return bytes;
}

/* What was dropped waits no more than what is confirmed. */
static void
tell_lag(struct shipper *shipper, int64_t bytes)
{
	struct shipping *shipping = shipper->shipping;
	uint64_t gone = atomic_load(&shipping->bytes) + atomic_load(&shipping->dropped_bytes);
	delay_look(&shipper->delay, gone + (uint64_t)bytes, gone, clock_read().wall_us);
	atomic_store(&shipping->lag_bytes, bytes);
	atomic_store(&shipping->lag_since_us, delay_since_us(&shipper->delay));
}

/* Up to there nothing is sent any more, from the first line that begins behind it on. */
static void
skip_to(struct shipper *shipper, int64_t offset)
{
	int64_t size, end = tail_end(&shipper->tail, &size);
	struct buf line = {0};
	/* The engine may have what is on its way: it is given up as a whole. */
	if (shipper->at.end > shipper->at.start && offset < shipper->at.end)
		offset = shipper->at.end;
	if (end > offset && tail_read(&shipper->tail, offset - 1, end, 1, true, &line) != 0)
		end = -1;
	if (end > offset)
		offset += (int64_t)line.len - 1;
	buf_fini(&line);
	/* The next look will do where it cannot be told now. */
	if (end < 0)
		return;
	if (offset > end)
		offset = end;
	int64_t dropped = offset - shipper->at.start;
	if (dropped <= 0)
		return;
	courier_give_up(&shipper->courier);
	buf_clear(&shipper->bytes);
	shipper->at.start = shipper->at.end = offset;
	shipper->noted = false;
	atomic_fetch_add(&shipper->shipping->dropped_bytes, (uint64_t)dropped);
}

/* An engine that is slow is to have the time for one batch, or it would never get any. */
static bool
may_arrive(const struct shipper *shipper)
{
	enum courier_news news = shipper->courier.news;
	return shipper->bytes.len > 0 && news != COURIER_AWAY && news != COURIER_REFUSED &&
	       clock_mono_ms() - shipper->loaded_ms < PATIENCE_MS;
}

/* Drops what is too much, of the oldest segment alone: the next look goes on with the next one. */
static void
drop(struct shipper *shipper, int64_t excess)
{
	if (shipper->tail.fd < 0 || excess <= 0 || may_arrive(shipper))
		return;
	skip_to(shipper, shipper->at.start + excess);
}

static void
tell_full(struct shipper *shipper, bool full)
{
	if (full && !shipper->full)
		errlog_error("Forward: ForwardSpoolMax is reached: %s",
			shipper->rules.drop_oldest ? "the oldest records are dropped from the spool"
						   : "clients get `storage failure`");
	else if (!full && shipper->full)
		errlog_info("Forward: the spool is no longer full; %" PRIu64
			    " bytes were dropped since the start",
			atomic_load(&shipper->shipping->dropped_bytes));
	shipper->full = full;
	atomic_store(&shipper->shipping->full, full && !shipper->rules.drop_oldest);
}

void
account_run(struct shipper *shipper)
{
	int64_t bytes = left(shipper), most = shipper->rules.spool_bytes;
	bool over = most > 0 && bytes > most;
	if (over && shipper->rules.drop_oldest) {
		drop(shipper, bytes - most);
		bytes = left(shipper);
	}
	/* With some room, or it would be said with every batch. */
	tell_full(shipper, over || (shipper->full && most > 0 && bytes > most - most / 16));
	tell_lag(shipper, bytes);
}

static struct position
position(const struct shipper *shipper)
{
	return (struct position){shipper->spool_id, shipper->at.segment.number, shipper->at.start};
}

void
account_position(struct shipper *shipper)
{
	struct shipping *shipping = shipper->shipping;
	shipping_confirm(shipping, position(shipper));
	if (atomic_load(&shipping->waiters) != 0)
		futex_wake(&shipping->confirmations);
}

void
account_left(struct shipper *shipper)
{
	if (shipper->at.segment.number != 0)
		shipping_leave(shipper->shipping, position(shipper));
}

void
account_idle(struct shipper *shipper)
{
	atomic_store(&shipper->shipping->state, SHIPPING_IDLE);
	tell_lag(shipper, 0);
}

void
account_confirmed(struct shipper *shipper, size_t bytes)
{
	struct shipping *shipping = shipper->shipping;
	atomic_fetch_add(&shipping->batches, 1);
	atomic_fetch_add(&shipping->bytes, bytes);
}

void
account_retries(struct shipper *shipper)
{
	uint64_t retries = shipper->courier.retries;
	shipper->courier.retries = 0;
	atomic_fetch_add(&shipper->shipping->retries, retries);
}
