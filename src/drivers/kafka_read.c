/* SPDX-License-Identifier: ISC */
/*
 * The Kafka driver: reads a topic back, all partitions at once, as far as they went when it was opened.  It joins no group and commits nothing.
 */
#include <stdlib.h>

#include "drivers/kafka.h"

enum { ASK_MS = 10000, ASK_STEP_MS = 250 /* the first */ };

struct part {
	int64_t first, end; /* offsets */
	bool done;
};

struct reader {
	rd_kafka_t *handle;
	struct kafka_trouble trouble; /* since the last message */
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	rd_kafka_message_t *message; /* that the caller has */
	struct part *parts;
	int32_t part_count, done_count;
};

/* Of an error, but for what the library has said of it. */
static enum forward_outcome
say(const struct reader *reader, rd_kafka_resp_err_t error, char why[FORWARD_WHY_MAX])
{
	const struct kafka_trouble *trouble = &reader->trouble;
	bool told = trouble->error != RD_KAFKA_RESP_ERR_NO_ERROR &&
	            kafka_outcome(error) == FORWARD_RETRY;
	if (told)
		error = trouble->error;
	snprintf(why, FORWARD_WHY_MAX, "%s", told ? trouble->text : rd_kafka_err2str(error));
	return kafka_outcome(error);
}

void
kafka_read_close(void *state)
{
	struct reader *reader = state;
	if (reader->message != NULL)
		rd_kafka_message_destroy(reader->message);
	for (int32_t i = 0; reader->queue != NULL && i < reader->part_count; i++)
		rd_kafka_consume_stop(reader->topic, i);
	if (reader->queue != NULL)
		rd_kafka_queue_destroy(reader->queue);
	if (reader->topic != NULL)
		rd_kafka_topic_destroy(reader->topic);
	if (reader->handle != NULL)
		rd_kafka_destroy(reader->handle);
	free(reader->parts);
	free(reader);
}

/*
 * In steps, between which the library says what keeps it from an answer: who is refused need not wait.  An answer that comes after its step is lost,
 * so they become longer.
 */
static rd_kafka_resp_err_t
ask(struct reader *reader, const struct rd_kafka_metadata **metadata)
{
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TRANSPORT;
	for (int step_ms = ASK_STEP_MS; step_ms <= ASK_MS; step_ms *= 2) {
		error = rd_kafka_metadata(reader->handle, 0, reader->topic, metadata, step_ms);
		rd_kafka_poll(reader->handle, 0);
		if (error != RD_KAFKA_RESP_ERR__TRANSPORT && error != RD_KAFKA_RESP_ERR__TIMED_OUT)
			break;
		if (kafka_outcome(reader->trouble.error) == FORWARD_FATAL)
			break;
	}
	return error;
}

/* How many partitions there are. */
static rd_kafka_resp_err_t
find_parts(struct reader *reader)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t error = ask(reader, &metadata);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error;
	if (metadata->topic_cnt != 1)
		error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	else
		error = metadata->topics[0].err;
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
		reader->part_count = metadata->topics[0].partition_cnt;
		reader->parts = calloc((size_t)reader->part_count + 1, sizeof *reader->parts);
		if (reader->parts == NULL)
			error = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE;
	}
	rd_kafka_metadata_destroy(metadata);
	return error;
}

/* The first offset of that time or later; the end where there is none. */
static rd_kafka_resp_err_t
seek(const struct reader *reader, int32_t number, int64_t since_ms)
{
	struct part *part = &reader->parts[number];
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(reader->topic), number)
		->offset = since_ms;
	rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(reader->handle, list, ASK_MS);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		part->first = list->elems[0].offset >= 0 ? list->elems[0].offset : part->end;
	rd_kafka_topic_partition_list_destroy(list);
	return error;
}

static rd_kafka_resp_err_t
begin_part(struct reader *reader, int32_t number, int64_t since_ms)
{
	struct part *part = &reader->parts[number];
	rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(reader->handle,
		rd_kafka_topic_name(reader->topic), number, &part->first, &part->end, ASK_MS);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR && since_ms > 0)
		error = seek(reader, number, since_ms);
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error;
	part->done = part->first >= part->end;
	reader->done_count += part->done;
	if (!part->done && rd_kafka_consume_start_queue(
				   reader->topic, number, part->first, reader->queue) != 0)
		return rd_kafka_last_error();
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static enum forward_outcome
begin(struct reader *reader, const struct forward_target *target, int64_t since_ms,
	char why[FORWARD_WHY_MAX])
{
	rd_kafka_conf_t *conf = kafka_conf(target, &reader->trouble, why);
	if (conf == NULL)
		return FORWARD_FATAL;
	/* What the brokers have dropped meanwhile is passed over, and not what follows it. */
	if (!kafka_set(conf, "enable.partition.eof", "true", why) ||
		!kafka_set(conf, "auto.offset.reset", "earliest", why) ||
		!kafka_set(conf, "enable.auto.commit", "false", why) ||
		!kafka_set(conf, "fetch.wait.max.ms", "50", why) ||
		(reader->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, FORWARD_WHY_MAX)) ==
			NULL) {
		rd_kafka_conf_destroy(conf);
		return FORWARD_FATAL;
	}
	reader->topic = rd_kafka_topic_new(reader->handle, forward_option(target, "topic"), NULL);
	if (reader->topic == NULL)
		return say(reader, rd_kafka_last_error(), why);
	rd_kafka_resp_err_t error = find_parts(reader);
	reader->queue = rd_kafka_queue_new(reader->handle);
	for (int32_t i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < reader->part_count; i++)
		error = begin_part(reader, i, since_ms);
	return error == RD_KAFKA_RESP_ERR_NO_ERROR ? FORWARD_OK : say(reader, error, why);
}

enum forward_outcome
kafka_read_open(const struct forward_target *target, int64_t since_ms, void **state,
	char why[FORWARD_WHY_MAX])
{
	struct reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL) {
		snprintf(why, FORWARD_WHY_MAX, "no memory");
		return FORWARD_FATAL;
	}
	enum forward_outcome outcome = begin(reader, target, since_ms, why);
	if (outcome != FORWARD_OK)
		kafka_read_close(reader);
	else
		*state = reader;
	return outcome;
}

static void
note_progress(struct reader *reader, const rd_kafka_message_t *message)
{
	struct part *part = &reader->parts[message->partition];
	bool end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
	           message->offset + 1 >= part->end;
	if (end && !part->done)
		reader->done_count++;
	part->done |= end;
}

/* A copy that ends with '\0' is what the library keeps of a header's value. */
static const char *
header(const rd_kafka_message_t *message, const char *name)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;
	if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
		rd_kafka_header_get_last(headers, name, &value, &size) !=
			RD_KAFKA_RESP_ERR_NO_ERROR)
		return NULL;
	return value;
}

static enum forward_outcome
take(struct reader *reader, struct forward_message *out)
{
	rd_kafka_message_t *message = reader->message;
	rd_kafka_timestamp_type_t type;
	note_progress(reader, message);
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return FORWARD_PENDING;
	*out = (struct forward_message){
		.id = header(message, "id"),
		.node = header(message, "node"),
		.bytes = message->payload,
		.len = message->len,
		.time_ms = rd_kafka_message_timestamp(message, &type),
	};
	if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
		out->time_ms = 0;
	return FORWARD_OK;
}

/* The library tries again by itself. */
static enum forward_outcome
await_more(const struct reader *reader, char why[FORWARD_WHY_MAX])
{
	bool refused = kafka_outcome(reader->trouble.error) == FORWARD_FATAL;
	memcpy(why, reader->trouble.text, FORWARD_WHY_MAX);
	return refused ? FORWARD_FATAL : FORWARD_PENDING;
}

enum forward_outcome
kafka_read_next(
	void *state, struct forward_message *message, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	struct reader *reader = state;
	if (reader->message != NULL)
		rd_kafka_message_destroy(reader->message);
	reader->message = NULL;
	if (reader->done_count == reader->part_count)
		return FORWARD_END;
	reader->message = rd_kafka_consume_queue(reader->queue, timeout_ms);
	rd_kafka_poll(reader->handle, 0);
	if (reader->message == NULL)
		return await_more(reader, why);
	rd_kafka_resp_err_t error = reader->message->err;
	if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__PARTITION_EOF)
		return say(reader, error, why);
	kafka_forget(&reader->trouble);
	return take(reader, message);
}
