/* SPDX-License-Identifier: ISC */
/* The forwarder's loop: orders, signs of life, steps of the shipper. */
#include "forward/forwarder.h"

#include <bsd/string.h>
#include <bsd/unistd.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "core/order.h"
#include "forward/destination.h"
#include "forward/module.h"
#include "forward/moves.h"
#include "forward/shipper.h"
#include "guard/sandbox.h"
#include "net/orders.h"
#include "settings/forwarding.h"

enum {
	NICE = 5,
	LINGER_ACKED_MS = 20, /* at most, where clients wait for their answers */
	SIGN_MS = 2000,
	STEP_MS = 200,
	RETRY_MS = 500,
	MOVE_MS = 3000 /* until then writers may not know yet that the spool is another one */
};

struct forwarder {
	const struct forwarder_heritage *heritage;
	int channel;
	int64_t told_ms; /* when the supervisor was told that we live */
	struct settings settings;
	struct destination destination;
	struct shipper shipper;
	int64_t moving_ms; /* when the settings began to name another spool */
	int64_t looked_ms; /* whether another one comes before what is new at home */
	bool open;
	int open_error; /* why it is not, which was told */
	char home
		[FORWARDING_SPOOL_BYTES]; /* what the settings say; "": nothing is to be forwarded */
	struct moves moves;               /* of it */
	char spool[FORWARDING_SPOOL_BYTES]; /* the shipper's: of the moves, or home */
};

/* In the place of a driver that cannot be had: what is stored waits, and is counted. */
static char absent_why[FORWARD_WHY_MAX];

static enum forward_outcome
absent_open(const struct forward_target *target, void **state, char why[FORWARD_WHY_MAX])
{
	(void)target;
	(void)state;
	memcpy(why, absent_why, sizeof absent_why);
	return FORWARD_FATAL;
}

static const struct forward_driver absent = {
	.version = FORWARD_DRIVER_VERSION, .size = sizeof absent, .open = absent_open};

static void
settle_down(bool sandbox)
{
	sandbox_enter(SANDBOX_FORWARDER, sandbox, false);
	/* One that outlives its supervisor would keep the spool from the next daemon. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
}

static const struct forward_driver *
find_driver(struct forwarder *forwarder)
{
	const struct settings *settings = &forwarder->settings;
	const char *passfile = settings->forward_auth.passfile;
	char why[FORWARD_WHY_MAX];
	if (destination_make(&forwarder->destination, &settings->forward, &settings->forward_tls,
		    &settings->forward_auth, why) != NULL) {
		snprintf(absent_why, sizeof absent_why,
			"ForwardAuth: %.400s; the account of the workers must be able to", why);
		return &absent;
	}
	if (forwarder->destination.exposed)
		errlog_warn("ForwardAuth: everybody can read %s, have chmod o-r %s", passfile,
			passfile);
	const struct forward_driver *driver = module_load(settings->forward.scheme, absent_why);
	return driver != NULL ? driver : &absent;
}

static void
set_rules(struct forwarder *forwarder)
{
	const struct settings *settings = &forwarder->settings;
	int64_t linger_ms = settings->forward_batch.linger_ms;
	if (settings->ack_when.replicated && linger_ms > LINGER_ACKED_MS)
		linger_ms = LINGER_ACKED_MS;
	forwarder->shipper.rules = (struct shipper_rules){
		.batch_bytes = (size_t)settings->forward_batch.bytes,
		.linger_ms = linger_ms,
		.spool_bytes = settings->forward_spool_max.bytes,
		.drop_oldest = settings->forward_spool_max.drop_oldest != 0,
	};
}

static void
find_home(struct forwarder *forwarder)
{
	char room[FORWARDING_SPOOL_BYTES];
	const char *spool = forwarding_spool(&forwarder->settings, room);
	strlcpy(forwarder->home, spool != NULL ? spool : "", sizeof forwarder->home);
}

/* What was used before and is not empty comes first. */
static void
choose_spool(struct forwarder *forwarder)
{
	if (!moves_nth(&forwarder->moves, 0, forwarder->spool))
		strlcpy(forwarder->spool, forwarder->home, sizeof forwarder->spool);
}

/* The one before us may still be dying. */
static void
open_shipper(struct forwarder *forwarder)
{
	const char *spool = forwarder->spool;
	struct shipping *shipping = scoreboard_shipping(forwarder->heritage->shared->board);
	choose_spool(forwarder);
	if (forwarder->home[0] == '\0') {
		atomic_store(&shipping->state, SHIPPING_OFF);
		return;
	}
	const struct forward_driver *driver = find_driver(forwarder);
	if (shipper_open(&forwarder->shipper, spool, forwarder->home, forwarder->destination.node,
		    forwarder->heritage->mark, shipping, driver,
		    &forwarder->destination.target) == 0) {
		if (driver != &absent)
			errlog_info("Forward: %s as node %s, by %s", driver->scheme,
				forwarder->destination.node, driver->engine);
		forwarder->open = true;
		forwarder->open_error = 0;
		set_rules(forwarder);
		return;
	}
	if (errno != forwarder->open_error)
		errlog_error("Forward: cannot use ForwardSpool %s: %s", spool,
			errno == EWOULDBLOCK ? "another forwarder has it" : strerror(errno));
	forwarder->open_error = errno;
	atomic_store(&shipping->full, 0);
	atomic_store(&shipping->state, SHIPPING_SPOOL);
}

static void
close_shipper(struct forwarder *forwarder)
{
	if (forwarder->open)
		shipper_close(&forwarder->shipper);
	forwarder->open = false;
	destination_forget(&forwarder->destination);
}

/* Whether another shipper is needed for them. */
static bool
goes_elsewhere(const struct settings *old, const struct settings *new)
{
	return memcmp(&old->forward, &new->forward, sizeof old->forward) != 0 ||
	       memcmp(&old->forward_tls, &new->forward_tls, sizeof old->forward_tls) != 0 ||
	       memcmp(&old->forward_auth, &new->forward_auth, sizeof old->forward_auth) != 0;
}

static void
done_with_first(struct forwarder *forwarder)
{
	if (moves_done(&forwarder->moves, forwarder->home) != 0)
		errlog_error("Forward: cannot write to ForwardSpool %s: %s", forwarder->home,
			strerror(errno));
}

/* The first one may be home itself, which is never empty for long. */
static void
yield_home(struct forwarder *forwarder)
{
	char first[FORWARDING_SPOOL_BYTES], next[FORWARDING_SPOOL_BYTES];
	int64_t now_ms = clock_mono_ms();
	if (!forwarder->open || now_ms - forwarder->looked_ms < STEP_MS ||
		!moves_nth(&forwarder->moves, 1, next) || !moves_nth(&forwarder->moves, 0, first) ||
		strcmp(first, forwarder->home) != 0)
		return;
	forwarder->looked_ms = now_ms;
	if (!shipper_yield(&forwarder->shipper, next))
		return;
	close_shipper(forwarder);
	done_with_first(forwarder);
}

/*
 * When nothing is left in the spool that was used before, or it was removed, to the next one; also from a folder that somebody has given another
 * path: writers will look for theirs where the settings say.
 */
static void
move_on(struct forwarder *forwarder)
{
	char first[FORWARDING_SPOOL_BYTES];
	if (!forwarder->open)
		return;
	bool moves = moves_nth(&forwarder->moves, 0, first), moved = forwarder->shipper.moved;
	bool done = (moves || moved) && clock_mono_ms() - forwarder->moving_ms >= MOVE_MS &&
	            shipper_finish(&forwarder->shipper);
	if (!done && !forwarder->shipper.gone)
		return;
	close_shipper(forwarder);
	if (done && moved)
		errlog_error(
			"Forward: the folder that was ForwardSpool %s was moved; all of it was "
			"forwarded",
			forwarder->spool);
	if (!done || moved)
		return;
	errlog_info("Forward: all of %s was forwarded", forwarder->spool);
	done_with_first(forwarder);
}

/* What is in the old spool, and in those before it, comes first.  0, or -1 where who comes after us would not know. */
static int
leave(struct forwarder *forwarder, const char *old)
{
	int result = moves_change(&forwarder->moves, old, forwarder->home);
	if (result != 0)
		errlog_error("Forward: cannot write to ForwardSpool %s what comes before it: %s",
			forwarder->home, strerror(errno));
	char first[FORWARDING_SPOOL_BYTES];
	if (moves_nth(&forwarder->moves, 0, first) && strcmp(first, forwarder->spool) != 0)
		close_shipper(forwarder);
	forwarder->moving_ms = clock_mono_ms();
	errlog_info(
		"Forward: ForwardSpool is another one now; first what is left in %s is forwarded",
		old);
	return result;
}

/*
 * One that stood still meanwhile, or was killed before it had moved, has told where it was; and one that could not write of it to where it went
 * next is still to leave that first.
 */
static void
move_home(struct forwarder *forwarder)
{
	struct published *place = forwarder->heritage->shared->spool;
	char old[FORWARDING_SPOOL_BYTES], told[FORWARDING_SPOOL_BYTES];
	strlcpy(old, forwarder->home, sizeof old);
	find_home(forwarder);
	if (forwarder->home[0] == '\0')
		close_shipper(forwarder);
	if (strcmp(forwarder->home, old) == 0 || forwarder->home[0] == '\0')
		return;
	int result = 0;
	published_read(place, told, sizeof told);
	moves_read(&forwarder->moves, forwarder->home);
	if (told[0] != '\0' && strcmp(told, forwarder->home) != 0)
		result = leave(forwarder, told);
	if (old[0] != '\0' && strcmp(old, told) != 0)
		result |= leave(forwarder, old);
	if (result == 0)
		published_write(place, forwarder->home, sizeof forwarder->home);
}

/* What is in the files of passwords and certificates may have changed: they are read again too. */
static void
follow_settings(struct forwarder *forwarder)
{
	struct settings fresh;
	published_read(forwarder->heritage->shared->settings, &fresh, sizeof fresh);
	bool anew = goes_elsewhere(&forwarder->settings, &fresh) ||
	            fresh.forward_auth.user[0] != '\0' || fresh.forward_tls.on;
	if (anew)
		close_shipper(forwarder);
	forwarder->settings = fresh;
	move_home(forwarder);
	if (forwarder->open)
		set_rules(forwarder);
}

/* Whether to go on. */
static bool
follow_orders(struct forwarder *forwarder)
{
	int order, fd;
	while ((order = orders_next(forwarder->channel, &fd)) != ORDERS_NONE) {
		if (order == ORDER_DRAIN || order == ORDER_RETIRE)
			return false;
		if (order == ORDER_SETTINGS)
			follow_settings(forwarder);
		errlog_set_level((enum errlog_level)forwarder->settings.error_log_level);
		if (fd >= 0)
			errlog_adopt(fd);
		else if (order == ORDER_SETTINGS)
			errlog_open(forwarder->settings.error_log);
	}
	return true;
}

static void
give_sign_of_life(struct forwarder *forwarder)
{
	static const char alive;
	int64_t now_ms = clock_mono_ms();
	if (now_ms - forwarder->told_ms < SIGN_MS)
		return;
	forwarder->told_ms = now_ms;
	(void)send(forwarder->channel, &alive, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
ship(struct forwarder *forwarder)
{
	struct pollfd orders = {.fd = forwarder->channel, .events = POLLIN};
	for (;;) {
		if (!forwarder->open)
			open_shipper(forwarder);
		int wait_ms = forwarder->open ? shipper_step(&forwarder->shipper, STEP_MS)
		                              : RETRY_MS;
		yield_home(forwarder);
		move_on(forwarder);
		give_sign_of_life(forwarder);
		if (poll(&orders, 1, wait_ms) > 0 && !follow_orders(forwarder))
			return;
	}
}

int
forwarder_main(const void *heritage, size_t index, int channel)
{
	static struct forwarder forwarder;
	(void)index;
	forwarder = (struct forwarder){.heritage = heritage, .channel = channel};
	published_read(forwarder.heritage->shared->settings, &forwarder.settings,
		sizeof forwarder.settings);
	settle_down(forwarder.settings.sandbox != 0);
	move_home(&forwarder);
	forwarder.moving_ms = clock_mono_ms();
	setproctitle("forwarder: %s", forwarder.settings.forward.scheme);
	forwarder.heritage->in_service(forwarder.heritage->context);
	ship(&forwarder);
	close_shipper(&forwarder);
	return EX_OK;
}
