/* SPDX-License-Identifier: ISC */
/* Looks at the daemon. */
#include "monitor/watch.h"

#include <stdlib.h>

#include "base/clock.h"

enum { INTERVAL_MS = HISTORY_INTERVAL_S * 1000, LIMITED_MS = 1000 };

const struct settings *
watch_settings(struct watch *watch)
{
	const struct published *published = watch->shared->settings;
	if (published_generation(published) != watch->generation)
		watch->generation = published_read(
			published, &watch->settings, sizeof watch->settings);
	return &watch->settings;
}

/* The last moment and this one become an interval. */
static int
end_interval(struct watch *watch)
{
	struct moment now = {.clients.count = 0};
	struct rates rates;
	if (reading_take(&now.reading, watch->shared) < 0)
		return -1;
	if (rates_make(&rates, &watch->last, &now) < 0) {
		moment_fini(&now);
		return -1;
	}
	moment_fini(&watch->last);
	rates_fini(&watch->rates);
	watch->last = now;
	watch->rates = rates;
	return 0;
}

int
watch_init(struct watch *watch, const struct shared *shared)
{
	*watch = (struct watch){.shared = shared, .next_ms = clock_mono_ms() + INTERVAL_MS};
	watch_settings(watch);
	if (reading_take(&watch->last.reading, shared) < 0)
		return -1;
	watch->started_us = watch->last.reading.wall_us;
	/* An interval of nothing: all rates are 0. */
	return rates_make(&watch->rates, &watch->last, &watch->last);
}

void
watch_fini(struct watch *watch)
{
	moment_fini(&watch->last);
	rates_fini(&watch->rates);
	addresses_fini(&watch->limited);
}

int
watch_run_timers(struct watch *watch)
{
	int64_t now_ms = clock_mono_ms();
	if (now_ms >= watch->next_ms) {
		int64_t began_ms = watch->last.reading.mono_ms;
		if (end_interval(watch) == 0)
			history_add(&watch->history, &watch->rates,
				watch->last.reading.mono_ms - began_ms,
				watch->last.reading.wall_us);
		/* Who was stopped for long has one interval of it, not many. */
		watch->next_ms += INTERVAL_MS;
		if (watch->next_ms <= now_ms)
			watch->next_ms = now_ms + INTERVAL_MS;
	}
	return (int)(watch->next_ms - now_ms);
}

/* The whole table is gone through for it: not for everyone who asks. */
static void
list_limited(struct watch *watch)
{
	int64_t now_ms = clock_mono_ms();
	if (watch->limited_ms != 0 && now_ms - watch->limited_ms < LIMITED_MS)
		return;
	addresses_list_most(
		&watch->limited, watch->shared, ADDRESSES_EVER_LIMITED, WATCH_ADDRESSES);
	watch->limited_ms = now_ms;
}

int
watch_look(struct watch *watch, struct look *look, bool addresses)
{
	bool persist = watch_settings(watch)->policy.persist;
	*look = (struct look){.rates = &watch->rates, .watched_us = watch->started_us};
	if (reading_take(&look->reading, watch->shared) < 0)
		return -1;
	look->storage = storage_of(&look->reading, persist);
	look->readiness = readiness_of(&look->reading, &look->storage);
	if (addresses) {
		list_limited(watch);
		look->limited = &watch->limited;
		look->limited_count = watch->limited.count < WATCH_ADDRESSES ? watch->limited.count
		                                                             : WATCH_ADDRESSES;
	}
	return 0;
}

void
look_fini(struct look *look)
{
	reading_fini(&look->reading);
}
