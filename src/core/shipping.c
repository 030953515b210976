/* SPDX-License-Identifier: ISC */
/*
 * A position is two words.  Before the segment changes the offset goes back to 0, so that whoever reads a segment, an
 * offset and the same segment again has one that was confirmed, or less.
 */
#include "core/shipping.h"

void
shipping_confirm(struct shipping *shipping, struct position position)
{
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
		position.offset = atomic_load(&shipping->offset);
		again = atomic_load(&shipping->segment);
	} while (position.segment != again);
	return position;
}

bool
position_reaches(struct position where, struct position what)
{
	return where.segment != what.segment ? where.segment > what.segment
	                                     : where.offset >= what.offset;
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
