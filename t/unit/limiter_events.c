/* SPDX-License-Identifier: ISC */
/* The limiter's table as one that counts events: all of them, and who makes room. */
#include "lib/child.h"
#include "lib/limits.h"

static void
happens_to(struct limiter *limiter, uint32_t number, int64_t now_ms)
{
	struct address address = client(number);
	limiter_note(limiter, &address, now_ms);
}

struct noted {
	uint64_t events[5];
	int64_t ago_ms[5];
};

static void
see_noted(void *context, const struct limiter_client *seen)
{
	struct noted *noted = context;
	for (uint32_t n = 0; n < 5; n++) {
		struct address address = client(n);
		if (!address_equal(&address, &seen->address))
			continue;
		noted->events[n] += seen->limited;
		noted->ago_ms[n] = limiter_noted_ms(seen);
	}
}

/* Events of clients, instead of lines; the one whose last event is longest ago makes room. */
static void
events(void)
{
	struct limiter *limiter = limiter_map(3, &key);
	struct noted noted = {.events = {0}};
	for (int i = 0; i < 1000; i++)
		happens_to(limiter, 1, 10);
	happens_to(limiter, 2, 20);
	happens_to(limiter, 3, 30);
	happens_to(limiter, 1, 40);
	happens_to(limiter, 4, 5); /* a thread that was held up; 2 is the one that goes */
	limiter_list(limiter, 3, 100, see_noted, &noted);
	CU_ASSERT_EQUAL(noted.events[1], 1001);
	CU_ASSERT_EQUAL(noted.ago_ms[1], 60);
	CU_ASSERT_EQUAL(noted.events[2], 0);
	CU_ASSERT_EQUAL(noted.events[3], 1);
	CU_ASSERT_EQUAL(noted.ago_ms[3], 70);
	CU_ASSERT_EQUAL(noted.events[4], 1);
	CU_ASSERT_EQUAL(noted.ago_ms[4], 60);
	CU_ASSERT_EQUAL(limiter_stats(limiter).evictions, 1);
	region_unmap(limiter, limiter_size(3));
}

static void
note_in_process(void *arg)
{
	for (uint32_t n = 0; n < 30000; n++)
		happens_to(arg, n % 3, (int64_t)n);
}

static void
events_among_processes(void)
{
	struct limiter *limiter = limiter_map(3, &key);
	struct noted noted = {.events = {0}};
	pid_t pids[4];
	for (int i = 0; i < 4; i++)
		pids[i] = child_start(note_in_process, limiter);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(child_succeeded(pids[i]));
	limiter_list(limiter, 3, 40000, see_noted, &noted);
	for (int n = 0; n < 3; n++)
		CU_ASSERT_EQUAL(noted.events[n], 40000);
	region_unmap(limiter, limiter_size(3));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"events are counted, and the last one's time is known", events},
		{"every event, among processes", events_among_processes},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("limiter_events", cases);
}
