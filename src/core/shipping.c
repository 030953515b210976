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
shipping_leave(struct shipping *shipping, struct position position)
{
	uint32_t next = atomic_load(&shipping->next_left);
	struct shipping_left *last = &shipping->left[(next - 1) % SHIPPING_LEFT];
	struct shipping_left *left = &shipping->left[next % SHIPPING_LEFT];
	if (atomic_load(&last->segment) == position.segment &&
		atomic_load(&last->spool) == position.spool &&
		atomic_load(&last->offset) == position.offset)
		return;
	atomic_store(&left->segment, 0);
	atomic_store(&left->spool, position.spool);
	atomic_store(&left->offset, position.offset);
	atomic_store(&left->segment, position.segment);
	atomic_store(&shipping->next_left, next + 1);
}

/* Whether its segment was left; *offset is how far that was confirmed. */
static bool
was_left(const struct shipping *shipping, struct position end, int64_t *offset)
{
	bool found = false;
	*offset = 0;
	for (size_t i = 0; i < SHIPPING_LEFT; i++) {
		const struct shipping_left *left = &shipping->left[i];
		if (atomic_load(&left->segment) != end.segment)
			continue;
		uint64_t spool = atomic_load(&left->spool);
		int64_t confirmed = atomic_load(&left->offset);
		if (spool != end.spool || atomic_load(&left->segment) != end.segment)
			continue;
		found = true;
		if (confirmed > *offset)
			*offset = confirmed;
	}
	return found;
}

void
shipping_end(struct shipping *shipping)
{
	atomic_store(&shipping->ended, 1);
}

/* That a segment was left is told before what comes after it is confirmed. */
enum shipping_fate
shipping_fate(const struct shipping *shipping, struct position end)
{
	bool ended = atomic_load(&shipping->ended) != 0;
	struct position confirmed = shipping_confirmed(shipping);
	bool reached = position_reaches(confirmed, end);
	int64_t offset;
	if (reached && confirmed.segment == end.segment)
		return SHIPPING_CONFIRMED;
	if (was_left(shipping, end, &offset))
		return offset >= end.offset ? SHIPPING_CONFIRMED : SHIPPING_LOST;
	return reached || ended ? SHIPPING_LOST : SHIPPING_WAITS;
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
