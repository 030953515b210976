/* SPDX-License-Identifier: ISC */
/*
 * How long the oldest of what waits in a queue of bytes has waited: marks of how much had come when, a bounded number of them,
 * which get sparser as the delay grows.  Pure.
 */
#ifndef CORE_DELAY_H
#define CORE_DELAY_H

#include <stddef.h>
#include <stdint.h>

enum { DELAY_MARKS = 64 };

struct delay {
	size_t count;
	struct delay_mark {
		uint64_t come; /* all up to there, and from the mark before on, came ... */
		int64_t at_us; /* ... no earlier than the mark before, and was first seen then */
	} marks[DELAY_MARKS];  /* both grow */
};

/* Of all that ever came, `come` bytes have come and `gone` have gone; less have come than before where some were lost. */
void delay_look(struct delay *delay, uint64_t come, uint64_t gone, int64_t now_us);

/* When the oldest that was not gone then was first seen; 0: nothing waits.  Too long ago by a sixteenth of the whole at the most. */
int64_t delay_since_us(const struct delay *delay);

#endif
