/* SPDX-License-Identifier: ISC */
/* The table of the supervisor's life, and how long a replacement waits. */
#include "core/lifecycle.h"

struct transition {
	enum lifecycle_state next;
	unsigned actions;
};

enum {
	DRAIN = ACTION_CLOSE_LISTENERS | ACTION_DRAIN,
	GIVE_UP = ACTION_CLOSE_LISTENERS | ACTION_KILL,
};

#define TO(state, actions)                                                                         \
	{                                                                                          \
		LIFECYCLE_##state, (actions)                                                       \
	}

/* clang-format off */
static const struct transition table[LIFECYCLE_STATES][LIFECYCLE_EVENTS] = {
	[LIFECYCLE_STARTING] = {
		[EVENT_ALL_READY]      = TO(RUNNING, ACTION_ANNOUNCE | ACTION_RESUME),
		[EVENT_CHILD_DIED]     = TO(STARTING, ACTION_RESPAWN),
		[EVENT_CHILD_HOPELESS] = TO(KILLING, GIVE_UP),
		[EVENT_LAST_DIED]      = TO(STARTING, 0),
		[EVENT_STOP]           = TO(DRAINING, DRAIN),
		[EVENT_DEADLINE]       = TO(STARTING, 0),
		[EVENT_RELOAD]         = TO(STARTING, ACTION_POSTPONE),
		[EVENT_NEW_GENERATION] = TO(STARTING, 0),
		[EVENT_HELD_UP]        = TO(STARTING, 0),
		[EVENT_REOPEN]         = TO(STARTING, ACTION_REOPEN),
	},
	[LIFECYCLE_RUNNING] = {
		[EVENT_ALL_READY]      = TO(RUNNING, 0),
		[EVENT_CHILD_DIED]     = TO(RUNNING, ACTION_RESPAWN),
		/* What worked once is worth another try: a full disk ends. */
		[EVENT_CHILD_HOPELESS] = TO(RUNNING, ACTION_RESPAWN),
		[EVENT_LAST_DIED]      = TO(RUNNING, 0),
		[EVENT_STOP]           = TO(DRAINING, DRAIN),
		[EVENT_DEADLINE]       = TO(RUNNING, 0),
		[EVENT_RELOAD]         = TO(RUNNING, ACTION_RELOAD),
		[EVENT_NEW_GENERATION] = TO(RELOADING, 0),
		[EVENT_HELD_UP]        = TO(RUNNING, 0),
		[EVENT_REOPEN]         = TO(RUNNING, ACTION_REOPEN),
	},
	[LIFECYCLE_RELOADING] = {
		[EVENT_ALL_READY]      = TO(RUNNING, ACTION_RETIRE | ACTION_RESUME),
		[EVENT_CHILD_DIED]     = TO(RELOADING, ACTION_RESPAWN),
		[EVENT_CHILD_HOPELESS] = TO(RELOADING, ACTION_RESPAWN),
		[EVENT_LAST_DIED]      = TO(RELOADING, 0),
		[EVENT_STOP]           = TO(DRAINING, DRAIN),
		[EVENT_DEADLINE]       = TO(RELOADING, 0),
		[EVENT_RELOAD]         = TO(RELOADING, ACTION_POSTPONE),
		[EVENT_NEW_GENERATION] = TO(RELOADING, 0),
		/* It may never be ready: what was asked for since must not wait for that. */
		[EVENT_HELD_UP]        = TO(RELOADING, ACTION_RELOAD),
		[EVENT_REOPEN]         = TO(RELOADING, ACTION_REOPEN),
	},
	[LIFECYCLE_DRAINING] = {
		[EVENT_ALL_READY]      = TO(DRAINING, 0),
		[EVENT_CHILD_DIED]     = TO(DRAINING, 0),
		[EVENT_CHILD_HOPELESS] = TO(DRAINING, 0),
		[EVENT_LAST_DIED]      = TO(OVER, ACTION_EXIT),
		[EVENT_STOP]           = TO(KILLING, ACTION_KILL),
		[EVENT_DEADLINE]       = TO(KILLING, ACTION_KILL),
		[EVENT_RELOAD]         = TO(DRAINING, ACTION_REOPEN),
		[EVENT_NEW_GENERATION] = TO(DRAINING, 0),
		[EVENT_HELD_UP]        = TO(DRAINING, 0),
		[EVENT_REOPEN]         = TO(DRAINING, ACTION_REOPEN),
	},
	[LIFECYCLE_KILLING] = {
		[EVENT_ALL_READY]      = TO(KILLING, 0),
		[EVENT_CHILD_DIED]     = TO(KILLING, 0),
		[EVENT_CHILD_HOPELESS] = TO(KILLING, 0),
		[EVENT_LAST_DIED]      = TO(OVER, ACTION_EXIT),
		[EVENT_STOP]           = TO(KILLING, ACTION_KILL),
		[EVENT_DEADLINE]       = TO(KILLING, 0),
		[EVENT_RELOAD]         = TO(KILLING, 0),
		[EVENT_NEW_GENERATION] = TO(KILLING, 0),
		[EVENT_HELD_UP]        = TO(KILLING, 0),
		[EVENT_REOPEN]         = TO(KILLING, 0),
	},
	[LIFECYCLE_OVER] = {
		[EVENT_ALL_READY]      = TO(OVER, 0),
		[EVENT_CHILD_DIED]     = TO(OVER, 0),
		[EVENT_CHILD_HOPELESS] = TO(OVER, 0),
		[EVENT_LAST_DIED]      = TO(OVER, 0),
		[EVENT_STOP]           = TO(OVER, 0),
		[EVENT_DEADLINE]       = TO(OVER, 0),
		[EVENT_RELOAD]         = TO(OVER, 0),
		[EVENT_NEW_GENERATION] = TO(OVER, 0),
		[EVENT_HELD_UP]        = TO(OVER, 0),
		[EVENT_REOPEN]         = TO(OVER, 0),
	},
};
/* clang-format on */

void
lifecycle_init(struct lifecycle *lifecycle)
{
	lifecycle->state = LIFECYCLE_STARTING;
}

unsigned
lifecycle_step(struct lifecycle *lifecycle, enum lifecycle_event event)
{
	const struct transition *transition = &table[lifecycle->state][event];
	lifecycle->state = transition->next;
	return transition->actions;
}

enum {
	YOUNG_MS = 1000,
	HEALTHY_MS = 60 * 1000,
	FIRST_DELAY_MS = 100,
	LONGEST_DELAY_MS = 30 * 1000,
};

int64_t
backoff_after_death(struct backoff *backoff, int64_t lived_ms)
{
	if (lived_ms >= HEALTHY_MS)
		backoff->young_deaths = 0;
	if (lived_ms >= YOUNG_MS)
		return 0;
	int64_t delay = FIRST_DELAY_MS;
	for (uint32_t i = 1; i < backoff->young_deaths && delay < LONGEST_DELAY_MS; i++)
		delay *= 2;
	if (delay > LONGEST_DELAY_MS)
		delay = LONGEST_DELAY_MS;
	return backoff->young_deaths++ == 0 ? 0 : delay;
}
