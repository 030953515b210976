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

#define STAY(state)                                                                                \
	{                                                                                          \
		LIFECYCLE_##state, 0                                                               \
	}

static const struct transition table[LIFECYCLE_STATES][LIFECYCLE_EVENTS] = {
	[LIFECYCLE_STARTING] =
		{
			[EVENT_ALL_READY] = {LIFECYCLE_RUNNING, ACTION_ANNOUNCE},
			[EVENT_CHILD_DIED] = {LIFECYCLE_STARTING, ACTION_RESPAWN},
			[EVENT_CHILD_HOPELESS] = {LIFECYCLE_KILLING, GIVE_UP},
			[EVENT_LAST_DIED] = STAY(STARTING),
			[EVENT_STOP] = {LIFECYCLE_DRAINING, DRAIN},
			[EVENT_DEADLINE] = STAY(STARTING),
		},
	[LIFECYCLE_RUNNING] =
		{
			[EVENT_ALL_READY] = STAY(RUNNING),
			[EVENT_CHILD_DIED] = {LIFECYCLE_RUNNING, ACTION_RESPAWN},
			/* What worked once is worth another try: a full disk ends. */
			[EVENT_CHILD_HOPELESS] = {LIFECYCLE_RUNNING, ACTION_RESPAWN},
			[EVENT_LAST_DIED] = STAY(RUNNING),
			[EVENT_STOP] = {LIFECYCLE_DRAINING, DRAIN},
			[EVENT_DEADLINE] = STAY(RUNNING),
		},
	[LIFECYCLE_DRAINING] =
		{
			[EVENT_ALL_READY] = STAY(DRAINING),
			[EVENT_CHILD_DIED] = STAY(DRAINING),
			[EVENT_CHILD_HOPELESS] = STAY(DRAINING),
			[EVENT_LAST_DIED] = {LIFECYCLE_OVER, ACTION_EXIT},
			[EVENT_STOP] = {LIFECYCLE_KILLING, ACTION_KILL},
			[EVENT_DEADLINE] = {LIFECYCLE_KILLING, ACTION_KILL},
		},
	[LIFECYCLE_KILLING] =
		{
			[EVENT_ALL_READY] = STAY(KILLING),
			[EVENT_CHILD_DIED] = STAY(KILLING),
			[EVENT_CHILD_HOPELESS] = STAY(KILLING),
			[EVENT_LAST_DIED] = {LIFECYCLE_OVER, ACTION_EXIT},
			[EVENT_STOP] = {LIFECYCLE_KILLING, ACTION_KILL},
			[EVENT_DEADLINE] = STAY(KILLING),
		},
	[LIFECYCLE_OVER] =
		{
			[EVENT_ALL_READY] = STAY(OVER),
			[EVENT_CHILD_DIED] = STAY(OVER),
			[EVENT_CHILD_HOPELESS] = STAY(OVER),
			[EVENT_LAST_DIED] = STAY(OVER),
			[EVENT_STOP] = STAY(OVER),
			[EVENT_DEADLINE] = STAY(OVER),
		},
};

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
