/* SPDX-License-Identifier: ISC */
/* The supervisor's table walked without a process, and the back-off. */
#include "core/lifecycle.h"

#include "unit/tap.h"

struct expectation {
	enum lifecycle_event event;
	unsigned actions;
	enum lifecycle_state state;
};

static void
walk(const struct expectation *steps, size_t count)
{
	struct lifecycle lifecycle;
	lifecycle_init(&lifecycle);
	CU_ASSERT_EQUAL(lifecycle.state, LIFECYCLE_STARTING);
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(lifecycle_step(&lifecycle, steps[i].event), steps[i].actions);
		CU_ASSERT_EQUAL(lifecycle.state, steps[i].state);
	}
}

#define WALK(...)                                                                                  \
	do {                                                                                       \
		static const struct expectation steps[] = {__VA_ARGS__};                           \
		walk(steps, sizeof steps / sizeof steps[0]);                                       \
	} while (0)

enum {
	READY = ACTION_ANNOUNCE | ACTION_RESUME,
	DRAIN = ACTION_CLOSE_LISTENERS | ACTION_DRAIN,
	RELOAD = ACTION_RELOAD,
};

static void
ordinary_life(void)
{
	WALK({EVENT_CHILD_DIED, ACTION_RESPAWN, LIFECYCLE_STARTING},
		{EVENT_ALL_READY, READY, LIFECYCLE_RUNNING},
		{EVENT_CHILD_DIED, ACTION_RESPAWN, LIFECYCLE_RUNNING},
		{EVENT_ALL_READY, 0, LIFECYCLE_RUNNING}, {EVENT_STOP, DRAIN, LIFECYCLE_DRAINING},
		{EVENT_CHILD_DIED, 0, LIFECYCLE_DRAINING},
		{EVENT_LAST_DIED, ACTION_EXIT, LIFECYCLE_OVER}, {EVENT_STOP, 0, LIFECYCLE_OVER});
}

static void
second_stop(void)
{
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING}, {EVENT_STOP, DRAIN, LIFECYCLE_DRAINING},
		{EVENT_STOP, ACTION_KILL, LIFECYCLE_KILLING},
		{EVENT_CHILD_DIED, 0, LIFECYCLE_KILLING},
		{EVENT_LAST_DIED, ACTION_EXIT, LIFECYCLE_OVER});
}

static void
deadline(void)
{
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING}, {EVENT_DEADLINE, 0, LIFECYCLE_RUNNING},
		{EVENT_STOP, DRAIN, LIFECYCLE_DRAINING},
		{EVENT_DEADLINE, ACTION_KILL, LIFECYCLE_KILLING},
		{EVENT_DEADLINE, 0, LIFECYCLE_KILLING});
}

static void
hopeless(void)
{
	WALK({EVENT_CHILD_HOPELESS, ACTION_CLOSE_LISTENERS | ACTION_KILL, LIFECYCLE_KILLING},
		{EVENT_LAST_DIED, ACTION_EXIT, LIFECYCLE_OVER});
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING},
		{EVENT_CHILD_HOPELESS, ACTION_RESPAWN, LIFECYCLE_RUNNING},
		{EVENT_STOP, DRAIN, LIFECYCLE_DRAINING},
		{EVENT_CHILD_HOPELESS, 0, LIFECYCLE_DRAINING});
}

static void
stop_while_starting(void)
{
	WALK({EVENT_STOP, DRAIN, LIFECYCLE_DRAINING}, {EVENT_ALL_READY, 0, LIFECYCLE_DRAINING},
		{EVENT_LAST_DIED, ACTION_EXIT, LIFECYCLE_OVER});
}

static void
live_reload(void)
{
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING}, {EVENT_RELOAD, RELOAD, LIFECYCLE_RUNNING},
		{EVENT_RELOAD, RELOAD, LIFECYCLE_RUNNING},
		{EVENT_REOPEN, ACTION_REOPEN, LIFECYCLE_RUNNING});
}

static void
new_generation(void)
{
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING}, {EVENT_RELOAD, RELOAD, LIFECYCLE_RUNNING},
		{EVENT_NEW_GENERATION, 0, LIFECYCLE_RELOADING},
		{EVENT_RELOAD, ACTION_POSTPONE, LIFECYCLE_RELOADING},
		{EVENT_REOPEN, ACTION_REOPEN, LIFECYCLE_RELOADING},
		{EVENT_CHILD_DIED, ACTION_RESPAWN, LIFECYCLE_RELOADING},
		{EVENT_CHILD_HOPELESS, ACTION_RESPAWN, LIFECYCLE_RELOADING},
		{EVENT_ALL_READY, ACTION_RETIRE | ACTION_RESUME, LIFECYCLE_RUNNING},
		{EVENT_RELOAD, RELOAD, LIFECYCLE_RUNNING},
		{EVENT_NEW_GENERATION, 0, LIFECYCLE_RELOADING},
		{EVENT_STOP, DRAIN, LIFECYCLE_DRAINING}, {EVENT_ALL_READY, 0, LIFECYCLE_DRAINING});
}

static void
generation_that_does_not_start(void)
{
	WALK({EVENT_ALL_READY, READY, LIFECYCLE_RUNNING}, {EVENT_HELD_UP, 0, LIFECYCLE_RUNNING},
		{EVENT_RELOAD, RELOAD, LIFECYCLE_RUNNING},
		{EVENT_NEW_GENERATION, 0, LIFECYCLE_RELOADING},
		{EVENT_RELOAD, ACTION_POSTPONE, LIFECYCLE_RELOADING},
		{EVENT_HELD_UP, RELOAD, LIFECYCLE_RELOADING},
		{EVENT_NEW_GENERATION, 0, LIFECYCLE_RELOADING},
		{EVENT_ALL_READY, ACTION_RETIRE | ACTION_RESUME, LIFECYCLE_RUNNING});
}

static void
reload_at_the_edges(void)
{
	WALK({EVENT_RELOAD, ACTION_POSTPONE, LIFECYCLE_STARTING},
		{EVENT_ALL_READY, READY, LIFECYCLE_RUNNING},
		{EVENT_STOP, DRAIN, LIFECYCLE_DRAINING},
		{EVENT_RELOAD, ACTION_REOPEN, LIFECYCLE_DRAINING},
		{EVENT_STOP, ACTION_KILL, LIFECYCLE_KILLING}, {EVENT_RELOAD, 0, LIFECYCLE_KILLING},
		{EVENT_REOPEN, 0, LIFECYCLE_KILLING});
}

static void
backoff(void)
{
	static const int64_t expected[] = {
		0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000, 30000};
	struct backoff backoff = {0};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
		CU_ASSERT_EQUAL(backoff_after_death(&backoff, 999), expected[i]);
	/* A second of life is no youth, but does not forgive it. */
	CU_ASSERT_EQUAL(backoff_after_death(&backoff, 1000), 0);
	CU_ASSERT_EQUAL(backoff_after_death(&backoff, 0), 30000);
	/* A minute does. */
	CU_ASSERT_EQUAL(backoff_after_death(&backoff, 60000), 0);
	CU_ASSERT_EQUAL(backoff_after_death(&backoff, 0), 0);
	CU_ASSERT_EQUAL(backoff_after_death(&backoff, 0), 100);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"start, lose a worker, serve, stop", ordinary_life},
		{"a second stop kills", second_stop},
		{"the deadline kills, but only a drain", deadline},
		{"a hopeless worker ends the start, not the service", hopeless},
		{"a stop before all are ready", stop_while_starting},
		{"a reload of live settings", live_reload},
		{"a reload that needs new workers; others wait for it", new_generation},
		{"a generation that does not start holds no reload up",
			generation_that_does_not_start},
		{"reloads before the start is over and after the stop has begun",
			reload_at_the_edges},
		{"back-off doubles for the young, to 30 s, until a healthy minute", backoff},
		{NULL, NULL},
	};
	return tap_main("lifecycle", cases);
}
