/* SPDX-License-Identifier: ISC */
/*
 * The AMQP driver: reads a queue or a stream back, as far as it went when it was opened.  A stream keeps what it has.  A
 * queue hands out what it has, and takes it back unharmed when the connection ends, as nothing is acknowledged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "drivers/amqp.h"

enum {
	STREAM_CREDIT = 100,
	QUEUE_CREDIT = UINT16_MAX, /* more, unacknowledged, a queue does not hand out */
	LAST_MS = 3000,            /* the end of a stream comes soon, */
	LAST_PAUSE_MS = 300,       /* and all of it at once */
	MARGIN_MS = 10000,         /* between our clocks, in whole seconds, and those of brokers */
	TURN_MS = 5000,            /* for another reader of a queue to be done */
	TURN_PAUSE_MS = 50,
	TEXT_MAX = 512,
	QUEUE_NAME_BYTES = 256, /* of the protocol, with its end */
};

static const char last_tag[] = "last", next_tag[] = "next", all_tag[] = "all";

struct reader {
	struct amqp_link link;
	bool stream;
	bool ended;
	int64_t last;    /* of a stream: the offset to read up to, */
	int64_t last_ms; /* and when that was published; 0: it does not tell */
	int64_t nothing_ms; /* if nothing came until then, a stream has nothing, and a queue is asked why; 0: never mind */
	uint64_t left; /* of a queue: how many were there */
	bool held;     /* the caller has the envelope */
	amqp_envelope_t envelope;
	char queue[QUEUE_NAME_BYTES];
	char id[TEXT_MAX], node[TEXT_MAX];
};

static void
let_go(struct reader *reader)
{
	if (reader->held)
		amqp_destroy_envelope(&reader->envelope);
	reader->held = false;
}

void
amqp_read_close(void *state)
{
	struct reader *reader = state;
	let_go(reader);
	amqp_link_close(&reader->link);
	free(reader);
}

/* Waits for a delivery.  FORWARD_PENDING: none came. */
static enum forward_outcome
await_delivery(struct reader *reader, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	const struct timeval wait = amqp_link_wait(timeout_ms);
	amqp_maybe_release_buffers(reader->link.connection);
	amqp_rpc_reply_t reply = amqp_consume_message(
		reader->link.connection, &reader->envelope, &wait, 0);
	if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
		reply.library_error == AMQP_STATUS_UNEXPECTED_STATE) {
		amqp_frame_t frame;
		int status = amqp_simple_wait_frame_noblock(reader->link.connection, &frame, &wait);
		if (status == AMQP_STATUS_OK && frame.frame_type == AMQP_FRAME_METHOD)
			return amqp_link_closed(&frame.payload.method, why);
		return amqp_link_status(status, "read", why);
	}
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return reply.library_error == AMQP_STATUS_TIMEOUT
		               ? FORWARD_PENDING
		               : amqp_link_status(reply.library_error, "read", why);
	reader->held = true;
	if (reader->stream)
		amqp_basic_ack(reader->link.connection, AMQP_CHANNEL, reader->envelope.delivery_tag,
			false);
	return FORWARD_OK;
}

/* Whether it came to that consumer. */
static bool
is_for(const struct reader *reader, const char *tag)
{
	size_t len = strlen(tag);
	return reader->envelope.consumer_tag.len == len &&
	       memcmp(reader->envelope.consumer_tag.bytes, tag, len) == 0;
}

static const amqp_field_value_t *
header(const struct reader *reader, const char *name)
{
	const amqp_basic_properties_t *properties = &reader->envelope.message.properties;
	size_t len = strlen(name);
	if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG))
		return NULL;
	for (int i = 0; i < properties->headers.num_entries; i++) {
		const amqp_table_entry_t *entry = &properties->headers.entries[i];
		if (entry->key.len == len && memcmp(entry->key.bytes, name, len) == 0)
			return &entry->value;
	}
	return NULL;
}

static int64_t
offset(const struct reader *reader)
{
	const amqp_field_value_t *value = header(reader, "x-stream-offset");
	return value != NULL && value->kind == AMQP_FIELD_KIND_I64 ? value->value.i64 : -1;
}

static int64_t
published_ms(const struct reader *reader)
{
	const amqp_basic_properties_t *properties = &reader->envelope.message.properties;
	bool told = properties->_flags & AMQP_BASIC_TIMESTAMP_FLAG &&
	            properties->timestamp <= INT64_MAX / 1000;
	return told ? (int64_t)properties->timestamp * 1000 : 0;
}

static enum forward_outcome
consume(struct reader *reader, const char *tag, amqp_field_value_t from, char why[FORWARD_WHY_MAX])
{
	amqp_table_entry_t entry = {.key = amqp_cstring_bytes("x-stream-offset"), .value = from};
	const amqp_table_t arguments = {.num_entries = 1, .entries = &entry};
	amqp_basic_consume(reader->link.connection, AMQP_CHANNEL, amqp_cstring_bytes(reader->queue),
		amqp_cstring_bytes(tag), false, false, false,
		reader->stream ? arguments : amqp_empty_table);
	return amqp_link_result(&reader->link, "consume", why);
}

static amqp_field_value_t
from_word(const char *word)
{
	return (amqp_field_value_t){
		.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(word)};
}

static enum forward_outcome
count_messages(struct reader *reader, uint32_t *consumers, char why[FORWARD_WHY_MAX])
{
	const amqp_queue_declare_ok_t *queue = amqp_queue_declare(reader->link.connection,
		AMQP_CHANNEL, amqp_cstring_bytes(reader->queue), true, true, false, false,
		amqp_empty_table);
	if (queue == NULL)
		return amqp_link_result(&reader->link, "declare", why);
	reader->left = queue->message_count;
	*consumers = queue->consumer_count;
	return FORWARD_OK;
}

static int64_t
now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum forward_outcome
set_credit(const struct reader *reader, char why[FORWARD_WHY_MAX])
{
	amqp_basic_qos(reader->link.connection, AMQP_CHANNEL, 0,
		reader->stream ? STREAM_CREDIT : QUEUE_CREDIT, false);
	return amqp_link_result(&reader->link, "prefetch", why);
}

/* The next delivery; FORWARD_PENDING: the channel has answered something else since, so it has none, however slow the way is. */
static enum forward_outcome
await_settled(struct reader *reader, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	let_go(reader);
	enum forward_outcome outcome = await_delivery(reader, timeout_ms, why);
	if (outcome != FORWARD_PENDING)
		return outcome;
	outcome = set_credit(reader, why);
	return outcome == FORWARD_OK ? await_delivery(reader, 0, why) : outcome;
}

static enum forward_outcome
cancel(struct reader *reader, const char *tag, char why[FORWARD_WHY_MAX])
{
	amqp_basic_cancel(reader->link.connection, AMQP_CHANNEL, amqp_cstring_bytes(tag));
	return amqp_link_result(&reader->link, "cancel", why);
}

/* What is before the first one that comes meanwhile; or else all that the stream stored together last.  Times are of others, and may be wrong. */
static enum forward_outcome
follow_to_last(struct reader *reader, bool *told, char why[FORWARD_WHY_MAX])
{
	bool next = false;
	enum forward_outcome outcome = await_settled(reader, LAST_MS, why);
	*told = outcome == FORWARD_OK;
	while (outcome == FORWARD_OK && !next) {
		next = is_for(reader, next_tag);
		reader->last = offset(reader) - next;
		reader->last_ms = published_ms(reader);
		if (!next)
			outcome = await_settled(reader, LAST_PAUSE_MS, why);
	}
	let_go(reader);
	return outcome == FORWARD_PENDING ? FORWARD_OK : outcome;
}

/* Where nothing comes it is empty, if it says so.  Where the first one of all comes meanwhile it was. */
static enum forward_outcome
find_last(struct reader *reader, char why[FORWARD_WHY_MAX])
{
	uint32_t consumers;
	bool told = false;
	reader->last = -1;
	enum forward_outcome outcome = consume(reader, next_tag, from_word("next"), why);
	if (outcome == FORWARD_OK)
		outcome = consume(reader, last_tag, from_word("last"), why);
	if (outcome == FORWARD_OK)
		outcome = follow_to_last(reader, &told, why);
	if (outcome == FORWARD_OK)
		outcome = cancel(reader, next_tag, why);
	if (outcome == FORWARD_OK)
		outcome = cancel(reader, last_tag, why);
	if (outcome == FORWARD_OK && !told)
		outcome = count_messages(reader, &consumers, why);
	if (outcome != FORWARD_OK || told || reader->left == 0)
		return outcome;
	snprintf(why, FORWARD_WHY_MAX, "the stream does not hand out what it has");
	return FORWARD_RETRY;
}

/*
 * From some time before on: the caller passes over what is too old.  What begins behind the end would wait there: where the last one seems to be
 * older, by a clock that may be wrong, it waits for a moment only.
 */
static enum forward_outcome
begin_stream(struct reader *reader, int64_t since_ms, char why[FORWARD_WHY_MAX])
{
	bool seeks = since_ms > MARGIN_MS && reader->last_ms > 0;
	const amqp_field_value_t since = {.kind = AMQP_FIELD_KIND_TIMESTAMP,
		.value.u64 = (uint64_t)(since_ms - MARGIN_MS) / 1000};
	reader->ended = reader->last < 0;
	if (reader->ended)
		return FORWARD_OK;
	if (seeks && reader->last_ms < since_ms - MARGIN_MS / 2)
		reader->nothing_ms = now_ms() + LAST_MS;
	return consume(reader, all_tag, seeks ? since : from_word("first"), why);
}

/*
 * Whether it is empty, by asking for a message, which its leader alone answers: FORWARD_OK.  FORWARD_PENDING: there was one, which it has back.
 */
static enum forward_outcome
ask_empty(struct reader *reader, char why[FORWARD_WHY_MAX])
{
	amqp_connection_state_t connection = reader->link.connection;
	amqp_message_t message;
	amqp_rpc_reply_t reply = amqp_basic_get(
		connection, AMQP_CHANNEL, amqp_cstring_bytes(reader->queue), false);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return amqp_link_result(&reader->link, "ask for a message", why);
	if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
		return FORWARD_OK;
	uint64_t tag = ((const amqp_basic_get_ok_t *)reply.reply.decoded)->delivery_tag;
	reply = amqp_read_message(connection, AMQP_CHANNEL, &message, 0);
	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return amqp_link_status(reply.library_error, "read", why);
	amqp_destroy_message(&message);
	int status = amqp_basic_reject(connection, AMQP_CHANNEL, tag, true);
	return status == AMQP_STATUS_OK ? FORWARD_PENDING
	                                : amqp_link_status(status, "give back", why);
}

/*
 * How many messages the queue has; alone with it, as it counts none that another consumer holds.  One that has just ended is still there
 * for a moment.  A queue whose leader is away says that it is empty and has no consumers: that is believed when the leader says so too.
 */
static enum forward_outcome
await_turn(struct reader *reader, char why[FORWARD_WHY_MAX])
{
	const struct timespec pause = {.tv_nsec = TURN_PAUSE_MS * 1000000L};
	const int64_t end_ms = now_ms() + TURN_MS;
	bool led = false;
	do {
		uint32_t consumers = 0;
		enum forward_outcome outcome = count_messages(reader, &consumers, why);
		if (outcome != FORWARD_OK)
			return outcome;
		if (consumers == 0 && (reader->left > 0 || led))
			return FORWARD_OK;
		if (consumers == 0)
			outcome = ask_empty(reader, why);
		if (outcome != FORWARD_OK && outcome != FORWARD_PENDING)
			return outcome;
		led = consumers == 0 && outcome == FORWARD_OK;
		nanosleep(&pause, NULL);
	} while (now_ms() < end_ms);
	snprintf(why, FORWARD_WHY_MAX,
		"the queue has another consumer; a stream can be read by many");
	return FORWARD_RETRY;
}

static enum forward_outcome
begin_queue(struct reader *reader, char why[FORWARD_WHY_MAX])
{
	enum forward_outcome outcome = await_turn(reader, why);
	if (outcome != FORWARD_OK)
		return outcome;
	if (reader->left > QUEUE_CREDIT) {
		snprintf(why, FORWARD_WHY_MAX,
			"the queue has %" PRIu64 " messages, more than the %d that can be read "
			"without taking them away; a stream has no such limit",
			reader->left, QUEUE_CREDIT);
		return FORWARD_FATAL;
	}
	reader->nothing_ms = now_ms() + LAST_MS;
	return consume(reader, all_tag, from_word("first"), why);
}

static enum forward_outcome
begin(struct reader *reader, const struct forward_target *target, int64_t since_ms,
	char why[FORWARD_WHY_MAX])
{
	enum forward_outcome outcome = amqp_link_open(&reader->link, target, why);
	if (outcome != FORWARD_OK)
		return outcome;
	outcome = set_credit(reader, why);
	if (outcome != FORWARD_OK)
		return outcome;
	if (!reader->stream)
		return begin_queue(reader, why);
	outcome = find_last(reader, why);
	return outcome != FORWARD_OK ? outcome : begin_stream(reader, since_ms, why);
}

enum forward_outcome
amqp_read_open(const struct forward_target *target, int64_t since_ms, void **state,
	char why[FORWARD_WHY_MAX])
{
	struct reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		snprintf(why, FORWARD_WHY_MAX, "no memory");
		return FORWARD_FATAL;
	}
	atomic_store(&reader->link.fd, -1);
	reader->stream = strcmp(forward_option(target, "queue-type"), "stream") == 0;
	snprintf(reader->queue, sizeof reader->queue, "%s", forward_option(target, "routing-key"));
	enum forward_outcome outcome = begin(reader, target, since_ms, why);
	if (outcome != FORWARD_OK)
		amqp_read_close(reader);
	else
		*state = reader;
	return outcome;
}

/* NULL where it is not there. */
static const char *
copy(amqp_bytes_t bytes, char out[static TEXT_MAX])
{
	if (bytes.len == 0 || bytes.len >= TEXT_MAX)
		return NULL;
	memcpy(out, bytes.bytes, bytes.len);
	out[bytes.len] = '\0';
	return out;
}

static void
describe(struct reader *reader, struct forward_message *out)
{
	const amqp_message_t *message = &reader->envelope.message;
	const amqp_basic_properties_t *properties = &message->properties;
	const amqp_field_value_t *node = header(reader, "node");
	*out = (struct forward_message){.bytes = message->body.bytes,
		.len = message->body.len,
		.time_ms = published_ms(reader)};
	if (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG)
		out->id = copy(properties->message_id, reader->id);
	if (node != NULL && node->kind == AMQP_FIELD_KIND_UTF8)
		out->node = copy(node->value.bytes, reader->node);
}

/* A stream that is read as a queue hands out nothing; it says what it is when it is asked. */
static enum forward_outcome
explain_silence(struct reader *reader, char why[FORWARD_WHY_MAX])
{
	reader->nothing_ms = 0;
	if (reader->stream)
		return FORWARD_END;
	enum forward_outcome outcome = ask_empty(reader, why);
	return outcome == FORWARD_OK ? FORWARD_PENDING : outcome;
}

static bool
is_last(struct reader *reader)
{
	return reader->stream ? offset(reader) >= reader->last : --reader->left == 0;
}

enum forward_outcome
amqp_read_next(
	void *state, struct forward_message *message, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	struct reader *reader = state;
	let_go(reader);
	if (reader->ended || (!reader->stream && reader->left == 0))
		return FORWARD_END;
	enum forward_outcome outcome = await_delivery(reader, timeout_ms, why);
	if (outcome == FORWARD_PENDING && reader->nothing_ms != 0 && now_ms() > reader->nothing_ms)
		return explain_silence(reader, why);
	if (outcome != FORWARD_OK)
		return outcome;
	if (!is_for(reader, all_tag))
		return FORWARD_PENDING;
	reader->nothing_ms = 0;
	reader->ended = is_last(reader);
	describe(reader, message);
	return FORWARD_OK;
}
