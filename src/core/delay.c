/* SPDX-License-Identifier: ISC */
/* Keeps marks, drops those that are reached, joins them when there are too many. */
#include "core/delay.h"

#include <string.h>

static void
drop_gone(struct delay *delay, uint64_t gone)
{
	size_t reached = 0;
	while (reached < delay->count && delay->marks[reached].come <= gone)
		reached++;
	delay->count -= reached;
	memmove(delay->marks, delay->marks + reached, delay->count * sizeof delay->marks[0]);
}

/* Less has come than was seen: the rest was lost. */
static void
forget_lost(struct delay *delay, uint64_t come)
{
	while (delay->count > 1 && delay->marks[delay->count - 2].come >= come)
		delay->count--;
	if (delay->count > 0 && delay->marks[delay->count - 1].come > come)
		delay->marks[delay->count - 1].come = come;
}

/* Two neighbours become one, which came when the first did: what waits is never said to be younger than it is. */
static void
join(struct delay *delay)
{
	for (size_t i = 0; i < DELAY_MARKS / 2; i++)
		delay->marks[i] = (struct delay_mark){
			delay->marks[2 * i + 1].come, delay->marks[2 * i].at_us};
	delay->count = DELAY_MARKS / 2;
}

/* Those behind a join are as far from each other as those before it, or the first ones would come to span nearly all. */
static int64_t
spacing_us(const struct delay *delay)
{
	int64_t span_us = delay->marks[delay->count - 1].at_us - delay->marks[0].at_us;
	return span_us / (DELAY_MARKS / 2);
}

void
delay_look(struct delay *delay, uint64_t come, uint64_t gone, int64_t now_us)
{
	drop_gone(delay, gone);
	forget_lost(delay, come);
	if (come <= gone) {
		delay->count = 0;
		return;
	}
	struct delay_mark *last = delay->count > 0 ? &delay->marks[delay->count - 1] : NULL;
	if (last != NULL && come <= last->come)
		return;
	/* A clock that was set back begins anew. */
	if (last != NULL && now_us >= last->at_us && now_us - last->at_us < spacing_us(delay)) {
		last->come = come;
		return;
	}
	if (delay->count == DELAY_MARKS)
		join(delay);
	delay->marks[delay->count++] = (struct delay_mark){come, now_us};
}

int64_t
delay_since_us(const struct delay *delay)
{
	return delay->count > 0 ? delay->marks[0].at_us : 0;
}
