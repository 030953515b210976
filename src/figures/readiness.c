/* SPDX-License-Identifier: ISC */
/* Judges storage and readiness. */
#include "figures/readiness.h"

#include <stdarg.h>
#include <string.h>

#include "core/format.h"

/* Whether this worker's last append failed, and not too long ago to mean anything. */
static bool
fails(const struct reading *reading, const struct scoreboard_slot *seen)
{
	return seen->store_error != 0 &&
	       reading_age_ms(reading, seen->store_failed_us) < STORAGE_DOUBT_MS;
}

struct storage
storage_of(const struct reading *reading, bool persist)
{
	struct storage storage = {.state = STORAGE_OK};
	if (!persist)
		return (struct storage){.state = STORAGE_OFF};
	for (size_t i = 0; i < reading->worker_count; i++) {
		const struct scoreboard_slot *seen = &reading->workers[i].seen;
		if (!fails(reading, seen))
			continue;
		if (storage.state == STORAGE_FAILING && storage.since_us <= seen->store_since_us)
			continue;
		storage = (struct storage){
			STORAGE_FAILING, seen->store_since_us, seen->store_error};
	}
	return storage;
}

const char *
storage_state_name(enum storage_state state)
{
	static const char *const names[STORAGE_STATES] = {"ok", "failing", "off"};
	return names[state];
}

static void __attribute__((format(printf, 2, 3)))
object(struct readiness *readiness, const char *format, ...)
{
	va_list args;
	if (readiness->count == READINESS_WHY_MAX)
		return;
	va_start(args, format);
	vsnprintf(readiness->why[readiness->count++], READINESS_TEXT_MAX, format, args);
	va_end(args);
}

static bool
anyone_serves(const struct reading *reading)
{
	for (size_t i = 0; i < reading->worker_count; i++) {
		if (reading->workers[i].seen.state == SLOT_SERVING)
			return true;
	}
	return false;
}

struct readiness
readiness_of(const struct reading *reading, const struct storage *storage)
{
	struct readiness readiness = {.count = 0};
	int64_t state = reading->info.state;
	if (state == BOARD_STOPPING)
		object(&readiness, "draining: the daemon stops");
	else if (state != BOARD_RUNNING)
		object(&readiness, "%s: not all workers serve yet", board_state_name(state));
	else if (!anyone_serves(reading))
		object(&readiness, "no worker serves");
	if (storage->state == STORAGE_FAILING) {
		char stamp[FORMAT_STAMP_BYTES + 1];
		format_stamp(storage->since_us, stamp);
		object(&readiness, "storage fails since %s: %s", stamp, strerror(storage->error));
	}
	readiness.ready = readiness.count == 0;
	return readiness;
}
