/* SPDX-License-Identifier: ISC */
/*
 * The driver of AMQP 0-9-1, for RabbitMQ: one persistent message a batch, whose id is its message-id.  What counts is the broker's confirm, which a quorum
 * queue or a stream gives when most of its members have the message.  librabbitmq blocks: a thread of each connection
 * connects, publishes and listens; whoever calls waits for it no longer than he wants.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/amqp.h"

enum { LOOK_MS = 1000, CLOSE_MS = 1000, NAME_MAX_BYTES = 512, SHORT_MAX = 255 };

struct amqp {
	struct forward_target *target; /* a copy */
	struct amqp_link link;         /* the thread's */
	pthread_t thread;
	int wake;           /* an eventfd: there is something to do */
	uint64_t published; /* on this connection: the number of the last batch, the thread's */

	pthread_mutex_t mutex; /* of all below */
	pthread_cond_t news;
	bool connected, ended;      /* the thread has */
	bool abandoned;             /* the thread frees it all */
	bool given;                 /* a batch is on its way: */
	struct forward_batch batch; /* its names are copies, its bytes the caller's */
	char id[NAME_MAX_BYTES], node[NAME_MAX_BYTES];
	enum forward_outcome outcome; /* of it; and, but for FORWARD_OK, of the connection */
	char why[FORWARD_WHY_MAX];
};

static void
tell(struct amqp *amqp, enum forward_outcome outcome, const char *why)
{
	pthread_mutex_lock(&amqp->mutex);
	amqp->outcome = outcome;
	snprintf(amqp->why, sizeof amqp->why, "%s", why);
	pthread_cond_signal(&amqp->news);
	pthread_mutex_unlock(&amqp->mutex);
}

static amqp_bytes_t
option_bytes(const struct forward_target *target, const char *name)
{
	const char *value = forward_option(target, name);
	return value != NULL ? amqp_cstring_bytes(value) : amqp_empty_bytes;
}

/*
 * Without an exchange the queue, or stream, is ours to make.  An exchange, and what is bound to it, is the operator's: it has to be there.
 */
static enum forward_outcome
find_place(const struct amqp *amqp, char why[FORWARD_WHY_MAX])
{
	amqp_connection_state_t connection = amqp->link.connection;
	amqp_bytes_t exchange = option_bytes(amqp->target, "exchange");
	amqp_bytes_t queue = option_bytes(amqp->target, "routing-key");
	amqp_table_entry_t type = {.key = amqp_cstring_bytes("x-queue-type"),
		.value = {.kind = AMQP_FIELD_KIND_UTF8,
			.value.bytes = option_bytes(amqp->target, "queue-type")}};
	const amqp_table_t arguments = {.num_entries = 1, .entries = &type};
	if (exchange.len > 0)
		amqp_exchange_declare(connection, AMQP_CHANNEL, exchange, amqp_empty_bytes, true,
			true, false, false, amqp_empty_table);
	else
		amqp_queue_declare(
			connection, AMQP_CHANNEL, queue, false, true, false, false, arguments);
	return amqp_link_result(&amqp->link, "declare", why);
}

static enum forward_outcome
get_ready(struct amqp *amqp, char why[FORWARD_WHY_MAX])
{
	enum forward_outcome outcome = amqp_link_open(&amqp->link, amqp->target, why);
	if (outcome == FORWARD_OK)
		outcome = find_place(amqp, why);
	if (outcome != FORWARD_OK)
		return outcome;
	amqp_confirm_select(amqp->link.connection, AMQP_CHANNEL);
	return amqp_link_result(&amqp->link, "ask for confirms", why);
}

/* The batch is the caller's, and stays until he was told of it. */
static enum forward_outcome
send_batch(struct amqp *amqp, const struct forward_batch *batch, char why[FORWARD_WHY_MAX])
{
	amqp_table_entry_t node = {.key = amqp_cstring_bytes("node"),
		.value = {.kind = AMQP_FIELD_KIND_UTF8,
			.value.bytes = amqp_cstring_bytes(batch->node)}};
	const amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG |
	                  AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
	                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_APP_ID_FLAG,
		.content_type = amqp_cstring_bytes("text/plain"),
		.headers = {.num_entries = 1, .entries = &node},
		.delivery_mode = AMQP_DELIVERY_PERSISTENT,
		.message_id = amqp_cstring_bytes(batch->id),
		.timestamp = (uint64_t)time(NULL),
		.app_id = amqp_cstring_bytes("logcollectd"),
	};
	const amqp_bytes_t body = {.len = batch->len, .bytes = (void *)(uintptr_t)batch->bytes};
	amqp->published++;
	int status = amqp_basic_publish(amqp->link.connection, AMQP_CHANNEL,
		option_bytes(amqp->target, "exchange"), option_bytes(amqp->target, "routing-key"),
		true, false, &properties, body);
	return status == AMQP_STATUS_OK ? FORWARD_OK : amqp_link_status(status, "publish", why);
}

/* A confirm of what was never sent is none. */
static enum forward_outcome
judge_ack(const struct amqp *amqp, const amqp_basic_ack_t *ack, char why[FORWARD_WHY_MAX])
{
	if (amqp->published > 0 && ack->delivery_tag == amqp->published)
		return FORWARD_OK;
	snprintf(why, FORWARD_WHY_MAX, "the broker confirms message %llu, the last one was %llu",
		(unsigned long long)ack->delivery_tag, (unsigned long long)amqp->published);
	return FORWARD_RETRY;
}

/* What a frame says of the batch on its way, the only one; FORWARD_PENDING: nothing. */
static enum forward_outcome
judge_frame(const struct amqp *amqp, const amqp_frame_t *frame, char why[FORWARD_WHY_MAX])
{
	const char *key = forward_option(amqp->target, "routing-key");
	if (frame->channel > AMQP_CHANNEL) {
		snprintf(why, FORWARD_WHY_MAX, "the broker speaks on channel %u, which is not open",
			frame->channel);
		return FORWARD_RETRY;
	}
	if (frame->frame_type != AMQP_FRAME_METHOD)
		return FORWARD_PENDING;
	switch (frame->payload.method.id) {
	case AMQP_BASIC_ACK_METHOD:
		return judge_ack(amqp, frame->payload.method.decoded, why);
	case AMQP_BASIC_NACK_METHOD:
		snprintf(why, FORWARD_WHY_MAX, "the broker could not store it");
		return FORWARD_RETRY;
	case AMQP_BASIC_RETURN_METHOD:
		snprintf(why, FORWARD_WHY_MAX, "no queue of the exchange takes routing-key %s",
			key != NULL ? key : "\"\"");
		return FORWARD_FATAL;
	default:
		return amqp_link_closed(&frame->payload.method, why);
	}
}

/* The next frame, where one comes soon; heartbeats go out meanwhile. */
static enum forward_outcome
listen_to(const struct amqp *amqp, int wait_ms, char why[FORWARD_WHY_MAX])
{
	const struct timeval wait = amqp_link_wait(wait_ms);
	amqp_frame_t frame;
	int status = amqp_simple_wait_frame_noblock(amqp->link.connection, &frame, &wait);
	if (status == AMQP_STATUS_TIMEOUT)
		return FORWARD_PENDING;
	if (status != AMQP_STATUS_OK)
		return amqp_link_status(status, "the connection", why);
	enum forward_outcome outcome = judge_frame(amqp, &frame, why);
	/* Whatever comes while nothing is sent takes memory, heartbeats too. */
	amqp_maybe_release_buffers(amqp->link.connection);
	return outcome;
}

static const struct forward_batch *
given(struct amqp *amqp)
{
	pthread_mutex_lock(&amqp->mutex);
	const struct forward_batch *batch = amqp->given && amqp->outcome == FORWARD_PENDING
	                                            ? &amqp->batch
	                                            : NULL;
	pthread_mutex_unlock(&amqp->mutex);
	return batch;
}

/* Until there is a batch; the broker may close the connection meanwhile. */
static enum forward_outcome
await_batch(struct amqp *amqp, const struct forward_batch **batch, char why[FORWARD_WHY_MAX])
{
	struct pollfd ready[] = {{.fd = amqp->wake, .events = POLLIN},
		{.fd = atomic_load(&amqp->link.fd), .events = POLLIN}};
	while (!atomic_load(&amqp->link.cut) && (*batch = given(amqp)) == NULL) {
		uint64_t count;
		if (poll(ready, 2, LOOK_MS) > 0 && ready[0].revents != 0 &&
			read(amqp->wake, &count, sizeof count) > 0)
			continue;
		enum forward_outcome outcome = listen_to(amqp, 0, why);
		if (outcome == FORWARD_RETRY || outcome == FORWARD_FATAL)
			return outcome;
	}
	return *batch != NULL ? FORWARD_OK : FORWARD_END;
}

static enum forward_outcome
ship_one(struct amqp *amqp, char why[FORWARD_WHY_MAX])
{
	const struct forward_batch *batch = NULL;
	enum forward_outcome outcome = await_batch(amqp, &batch, why);
	if (outcome == FORWARD_OK)
		outcome = send_batch(amqp, batch, why);
	if (outcome != FORWARD_OK)
		return outcome;
	do {
		outcome = listen_to(amqp, LOOK_MS, why);
	} while (outcome == FORWARD_PENDING && !atomic_load(&amqp->link.cut));
	return outcome;
}

static void
discard(struct amqp *amqp)
{
	if (amqp->wake >= 0)
		close(amqp->wake);
	pthread_cond_destroy(&amqp->news);
	pthread_mutex_destroy(&amqp->mutex);
	if (amqp->target != NULL)
		amqp_target_free(amqp->target);
	free(amqp);
}

static void *
work(void *argument)
{
	struct amqp *amqp = argument;
	char why[FORWARD_WHY_MAX] = "";
	enum forward_outcome outcome = get_ready(amqp, why);
	pthread_mutex_lock(&amqp->mutex);
	amqp->connected = outcome == FORWARD_OK && !amqp->abandoned;
	pthread_mutex_unlock(&amqp->mutex);
	while (outcome == FORWARD_OK && (outcome = ship_one(amqp, why)) == FORWARD_OK)
		tell(amqp, FORWARD_OK, "");
	tell(amqp, outcome, why);
	amqp_link_close(&amqp->link);
	pthread_mutex_lock(&amqp->mutex);
	amqp->ended = true;
	bool abandoned = amqp->abandoned;
	pthread_cond_signal(&amqp->news);
	pthread_mutex_unlock(&amqp->mutex);
	if (abandoned)
		discard(amqp);
	return NULL;
}

/* Waits are measured by a clock that nobody sets. */
static void
init(struct amqp *amqp, const struct forward_target *target)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&amqp->news, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&amqp->mutex, NULL);
	amqp->target = amqp_target_copy(target);
	amqp->outcome = FORWARD_PENDING;
	atomic_store(&amqp->link.fd, -1);
	amqp->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static enum forward_outcome
amqp_open(const struct forward_target *target, void **state, char why[FORWARD_WHY_MAX])
{
	if (option_bytes(target, "exchange").len > SHORT_MAX ||
		option_bytes(target, "routing-key").len > SHORT_MAX) {
		snprintf(why, FORWARD_WHY_MAX,
			"exchange= and routing-key= have 255 bytes at the most");
		return FORWARD_FATAL;
	}
	struct amqp *amqp = calloc(1, sizeof *amqp);
	if (amqp == NULL) {
		snprintf(why, FORWARD_WHY_MAX, "no memory");
		return FORWARD_RETRY;
	}
	init(amqp, target);
	int error = amqp->wake < 0 ? errno : amqp->target == NULL ? ENOMEM : 0;
	if (error == 0)
		error = pthread_create(&amqp->thread, NULL, work, amqp);
	if (error != 0) {
		snprintf(why, FORWARD_WHY_MAX, "no thread: %s", strerror(error));
		discard(amqp);
		return FORWARD_RETRY;
	}
	*state = amqp;
	return FORWARD_OK;
}

static void
wake(const struct amqp *amqp)
{
	const uint64_t one = 1;
	(void)!write(amqp->wake, &one, sizeof one);
}

static enum forward_outcome
amqp_publish(void *state, const struct forward_batch *batch, char why[FORWARD_WHY_MAX])
{
	struct amqp *amqp = state;
	pthread_mutex_lock(&amqp->mutex);
	enum forward_outcome outcome = amqp->outcome;
	snprintf(why, FORWARD_WHY_MAX, "%s", amqp->why);
	snprintf(amqp->id, sizeof amqp->id, "%s", batch->id);
	snprintf(amqp->node, sizeof amqp->node, "%s", batch->node);
	amqp->batch = (struct forward_batch){
		.id = amqp->id, .node = amqp->node, .bytes = batch->bytes, .len = batch->len};
	amqp->given = true;
	pthread_mutex_unlock(&amqp->mutex);
	if (outcome != FORWARD_PENDING)
		return outcome;
	wake(amqp);
	return FORWARD_OK;
}

static struct timespec
from_now(int ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000L;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

/* Until the thread has something to tell. */
static void
await_news(struct amqp *amqp, int timeout_ms)
{
	const struct timespec until = from_now(timeout_ms);
	while (amqp->outcome == FORWARD_PENDING &&
		pthread_cond_timedwait(&amqp->news, &amqp->mutex, &until) == 0)
		continue;
}

static enum forward_outcome
amqp_confirm(void *state, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	struct amqp *amqp = state;
	pthread_mutex_lock(&amqp->mutex);
	await_news(amqp, timeout_ms);
	enum forward_outcome outcome = amqp->outcome;
	snprintf(why, FORWARD_WHY_MAX, "%s", amqp->why);
	if (outcome == FORWARD_OK) {
		amqp->given = false;
		amqp->outcome = FORWARD_PENDING;
	}
	pthread_mutex_unlock(&amqp->mutex);
	return outcome;
}

/* Whether the thread is left alone: one that is connected ends at once, but a name may take long to be found. */
static bool
abandon(struct amqp *amqp)
{
	const struct timespec until = from_now(CLOSE_MS);
	pthread_mutex_lock(&amqp->mutex);
	while (!amqp->ended && !amqp->connected &&
		pthread_cond_timedwait(&amqp->news, &amqp->mutex, &until) == 0)
		continue;
	amqp->abandoned = !amqp->ended && !amqp->connected;
	bool abandoned = amqp->abandoned;
	pthread_mutex_unlock(&amqp->mutex);
	return abandoned;
}

static void
amqp_close(void *state)
{
	struct amqp *amqp = state;
	pthread_t thread = amqp->thread;
	amqp_link_cut(&amqp->link);
	wake(amqp);
	if (abandon(amqp)) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	discard(amqp);
}

extern const struct forward_driver logcollectd_forward_driver;

FORWARD_DRIVER_EXPORT const struct forward_driver logcollectd_forward_driver = {
	.version = FORWARD_DRIVER_VERSION,
	.size = sizeof logcollectd_forward_driver,
	.scheme = "amqp",
	.engine = "librabbitmq",
	.open = amqp_open,
	.publish = amqp_publish,
	.confirm = amqp_confirm,
	.close = amqp_close,
	.read_open = amqp_read_open,
	.read_next = amqp_read_next,
	.read_close = amqp_read_close,
};
