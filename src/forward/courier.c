/* SPDX-License-Identifier: ISC */
/* Opens, publishes, waits; and again. */
#include "forward/courier.h"

#include <bsd/stdlib.h>
#include <poll.h>

#include "base/clock.h"
#include "base/errlog.h"

enum { DOUBLINGS_MAX = 10 };

void
courier_init(struct courier *courier, const struct forward_driver *driver,
	const struct forward_target *target)
{
	*courier = (struct courier){.driver = driver, .target = target, .news = COURIER_DONE};
}

void
courier_give_up(struct courier *courier)
{
	if (courier->state != NULL)
		courier->driver->close(courier->state);
	courier->state = NULL;
	courier->published = false;
}

void
courier_begin_again(struct courier *courier)
{
	courier_give_up(courier);
	courier->retry_ms = 0;
	courier->failures = 0;
	courier->too_large = false;
	courier->news = COURIER_DONE;
}

/* Between half of it and all: collectors that lost the same engine do not come back at the same moment. */
static int64_t
back_off(const struct courier *courier, bool refused)
{
	unsigned doublings = courier->failures < DOUBLINGS_MAX ? courier->failures : DOUBLINGS_MAX;
	int64_t wait_ms = (int64_t)(refused ? COURIER_REFUSED_MS : COURIER_FIRST_MS) << doublings;
	if (wait_ms > COURIER_MOST_MS)
		wait_ms = COURIER_MOST_MS;
	return wait_ms / 2 + (int64_t)arc4random_uniform((uint32_t)(wait_ms / 2 + 1));
}

/* Said when it begins and when it becomes something else, not with each try. */
static enum courier_news
tell(struct courier *courier, enum courier_news news, const char *why)
{
	if (news != courier->news && news == COURIER_REFUSED)
		errlog_error("Forward: refused: %s", why);
	else if (news != courier->news && news == COURIER_AWAY)
		errlog_warn("Forward: the engine is away: %s", why);
	else if (news == COURIER_DONE && courier->news != COURIER_DONE)
		errlog_info("Forward: the engine is back");
	courier->news = news;
	return news;
}

static enum courier_news
fail(struct courier *courier, enum forward_outcome outcome, const char *why)
{
	bool refused = outcome == FORWARD_FATAL || outcome == FORWARD_TOO_LARGE;
	courier->too_large = outcome == FORWARD_TOO_LARGE;
	courier->retries += courier->published;
	courier_give_up(courier);
	courier->retry_ms = clock_mono_ms() + back_off(courier, refused);
	courier->failures++;
	return tell(courier, refused ? COURIER_REFUSED : COURIER_AWAY, why);
}

static void
pause_for(const struct courier *courier, int wait_ms)
{
	int64_t left_ms = courier->retry_ms - clock_mono_ms();
	if (left_ms > 0)
		poll(NULL, 0, left_ms < wait_ms ? (int)left_ms : wait_ms);
}

enum courier_news
courier_carry(struct courier *courier, const struct forward_batch *batch, int wait_ms)
{
	char *why = courier->why;
	enum forward_outcome outcome = FORWARD_OK;
	why[0] = '\0';
	if (courier->state == NULL && clock_mono_ms() < courier->retry_ms) {
		pause_for(courier, wait_ms);
		return courier->news;
	}
	if (courier->state == NULL)
		outcome = courier->driver->open(courier->target, &courier->state, why);
	if (outcome != FORWARD_OK) {
		courier->state = NULL;
		return fail(courier, outcome, why);
	}
	if (!courier->published)
		outcome = courier->driver->publish(courier->state, batch, why);
	courier->published |= outcome == FORWARD_OK;
	if (outcome == FORWARD_OK)
		outcome = courier->driver->confirm(courier->state, wait_ms, why);
	if (outcome == FORWARD_PENDING && why[0] != '\0')
		return tell(courier, COURIER_AWAY, why);
	if (outcome == FORWARD_PENDING)
		return courier->news == COURIER_DONE ? COURIER_WAITING : courier->news;
	if (outcome != FORWARD_OK)
		return fail(courier, outcome, why);
	courier->published = courier->too_large = false;
	courier->failures = 0;
	return tell(courier, COURIER_DONE, why);
}
