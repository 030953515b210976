/* SPDX-License-Identifier: ISC */
/*
 * A position is three words.  Before the segment changes the offset goes back to 0, and before the spool does so does the segment, so
 * that whoever reads a segment, the others and the same segment again has a position that was confirmed, or less.
 */
#include "core/shipping.h"

void
shipping_confirm(struct shipping *shipping, struct position position)
{
	if (atomic_load(&shipping->spool) != position.spool) {
		atomic_store(&shipping->segment, 0);
		atomic_store(&shipping->offset, 0);
		atomic_store(&shipping->spool, position.spool);
	}
	if (atomic_load(&shipping->segment) != position.segment) {
		atomic_store(&shipping->offset, 0);
		atomic_store(&shipping->segment, position.segment);
	}
	atomic_store(&shipping->offset, position.offset);
	atomic_fetch_add(&shipping->confirmations, 1);
}

struct position
shipping_confirmed(const struct shipping *shipping)
{
	struct position position;
	uint64_t again;
	do {
		position.segment = atomic_load(&shipping->segment);
		position.spool = atomic_load(&shipping->spool);
		position.offset = atomic_load(&shipping->offset);
		again = atomic_load(&shipping->segment);
	} while (position.segment != again);
	return position;
}

bool
position_reaches(struct position where, struct position what)
{
	if (where.spool != what.spool || where.segment < what.segment)
		return false;
	return where.segment > what.segment || where.offset >= what.offset;
}

/* Also this may be cut short by a kill, or overtaken by a reader: what it says then is nothing. */
void
shipping_lose(struct shipping *shipping, struct position position)
{
	uint32_t next = atomic_load(&shipping->next_loss);
	struct shipping_loss *last = &shipping->losses[(next - 1) % SHIPPING_LOSSES];
	struct shipping_loss *loss = &shipping->losses[next % SHIPPING_LOSSES];
	if (atomic_load(&last->segment) == position.segment &&
		atomic_load(&last->offset) == position.offset)
		return;
	atomic_store(&loss->segment, 0);
	atomic_store(&loss->offset, position.offset);
	atomic_store(&loss->segment, position.segment);
	atomic_store(&shipping->next_loss, next + 1);
}

static bool
is_lost(const struct shipping *shipping, struct position end)
{
	for (size_t i = 0; i < SHIPPING_LOSSES; i++) {
		const struct shipping_loss *loss = &shipping->losses[i];
		if (atomic_load(&loss->segment) == end.segment &&
			atomic_load(&loss->offset) < end.offset &&
			atomic_load(&loss->segment) == end.segment)
			return true;
	}
	return false;
}

/* A loss is told before what comes after it is confirmed. */
enum shipping_fate
shipping_fate(const struct shipping *shipping, struct position end)
{
	bool reached = position_reaches(shipping_confirmed(shipping), end);
	if (is_lost(shipping, end))
		return SHIPPING_LOST;
	return reached ? SHIPPING_CONFIRMED : SHIPPING_WAITS;
}

void
shipping_figures(const struct shipping *shipping, struct shipping_figures *out)
{
	*out = (struct shipping_figures){
		.state = (enum shipping_state)atomic_load(&shipping->state),
		.full = atomic_load(&shipping->full) != 0,
		.lag_bytes = atomic_load(&shipping->lag_bytes),
		.lag_since_us = atomic_load(&shipping->lag_since_us),
		.batches = atomic_load(&shipping->batches),
		.bytes = atomic_load(&shipping->bytes),
		.retries = atomic_load(&shipping->retries),
		.dropped_bytes = atomic_load(&shipping->dropped_bytes),
		.deaths = atomic_load(&shipping->deaths),
	};
}

const char *
shipping_state_name(enum shipping_state state)
{
	static const char *const names[SHIPPING_STATES] = {
		"off", "idle", "sending", "away", "refused", "spool"};
	return (unsigned)state < SHIPPING_STATES ? names[state] : "unknown";
}
