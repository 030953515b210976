/* SPDX-License-Identifier: ISC */
/*
 * The driver of Kafka: one message a batch, its id in a header.  What counts is the delivery report that all in-sync replicas have it (acks=all);
 * librdkafka tries again by itself, without an end and, being idempotent, without repeats.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "drivers/kafka.h"

enum { CLOSE_S = 1 };

struct kafka {
	rd_kafka_t *handle;
	const char *topic, *key;
	bool reported;
	rd_kafka_resp_err_t delivery; /* the report */
	struct kafka_trouble trouble; /* since the last good one */
};

/* Called from rd_kafka_poll(), in our thread. */
static void
on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
	struct kafka *kafka = message->_private;
	(void)handle;
	(void)opaque;
	kafka->reported = true;
	kafka->delivery = message->err;
}

static rd_kafka_conf_t *
producer_conf(const struct forward_target *target, struct kafka *kafka, char why[FORWARD_WHY_MAX])
{
	rd_kafka_conf_t *conf = kafka_conf(target, &kafka->trouble, why);
	if (conf == NULL)
		return NULL;
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	if (kafka_set(conf, "acks", "all", why) &&
		kafka_set(conf, "enable.idempotence", "true", why) &&
		kafka_set(conf, "message.timeout.ms", "0", why) &&
		kafka_set(conf, "linger.ms", "0", why) &&
		kafka_set(conf, "partitioner", "murmur2", why))
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

static enum forward_outcome
kafka_open(const struct forward_target *target, void **state, char why[FORWARD_WHY_MAX])
{
	struct kafka *kafka = calloc(1, sizeof *kafka);
	rd_kafka_conf_t *conf = kafka == NULL ? NULL : producer_conf(target, kafka, why);
	if (conf == NULL) {
		if (kafka == NULL)
			snprintf(why, FORWARD_WHY_MAX, "no memory");
		free(kafka);
		return FORWARD_FATAL;
	}
	kafka->topic = forward_option(target, "topic");
	kafka->key = forward_option(target, "key");
	kafka->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, FORWARD_WHY_MAX);
	if (kafka->handle == NULL) {
		rd_kafka_conf_destroy(conf);
		free(kafka);
		return FORWARD_FATAL;
	}
	*state = kafka;
	return FORWARD_OK;
}

static enum forward_outcome
kafka_publish(void *state, const struct forward_batch *batch, char why[FORWARD_WHY_MAX])
{
	struct kafka *kafka = state;
	kafka->reported = false;
	/* Copied: what is purged at the end may be in a queue still. */
	rd_kafka_resp_err_t error = rd_kafka_producev(kafka->handle, RD_KAFKA_V_TOPIC(kafka->topic),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(kafka),
		RD_KAFKA_V_KEY((void *)(uintptr_t)kafka->key, strlen(kafka->key)),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)batch->bytes, batch->len),
		RD_KAFKA_V_HEADER("id", batch->id, -1), RD_KAFKA_V_HEADER("node", batch->node, -1),
		RD_KAFKA_V_END);
	if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
		return FORWARD_OK;
	snprintf(why, FORWARD_WHY_MAX, "%s", rd_kafka_err2str(error));
	return kafka_outcome(error);
}

static enum forward_outcome
judge_report(struct kafka *kafka, char why[FORWARD_WHY_MAX])
{
	if (kafka->delivery == RD_KAFKA_RESP_ERR_NO_ERROR) {
		kafka_forget(&kafka->trouble);
		return FORWARD_OK;
	}
	/* A producer that has lost its place cannot be used again; the reason says more than the report. */
	if (rd_kafka_fatal_error(kafka->handle, why, FORWARD_WHY_MAX) == RD_KAFKA_RESP_ERR_NO_ERROR)
		snprintf(why, FORWARD_WHY_MAX, "%s", rd_kafka_err2str(kafka->delivery));
	return kafka_outcome(kafka->delivery);
}

static enum forward_outcome
kafka_confirm(void *state, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	struct kafka *kafka = state;
	/* Served are also what is no report of ours: errors. */
	if (!kafka->reported)
		rd_kafka_poll(kafka->handle, timeout_ms);
	if (kafka->reported)
		return judge_report(kafka, why);
	rd_kafka_resp_err_t trouble = kafka->trouble.error;
	if (trouble == RD_KAFKA_RESP_ERR_NO_ERROR)
		return FORWARD_PENDING;
	memcpy(why, kafka->trouble.text, FORWARD_WHY_MAX);
	if (trouble == RD_KAFKA_RESP_ERR__FATAL)
		return FORWARD_RETRY;
	return kafka_outcome(trouble) == FORWARD_FATAL ? FORWARD_FATAL : FORWARD_PENDING;
}

static void *
destroy(void *argument)
{
	struct kafka *kafka = argument;
	rd_kafka_destroy(kafka->handle);
	free(kafka);
	return NULL;
}

/* The library waits for its threads, and these for a name, which may take long to be found: then they are left alone. */
static void
kafka_close(void *state)
{
	struct kafka *kafka = state;
	struct timespec until;
	pthread_t thread;
	rd_kafka_purge(kafka->handle,
		RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	if (pthread_create(&thread, NULL, destroy, kafka) != 0) {
		destroy(kafka);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) != 0)
		pthread_detach(thread);
}

extern const struct forward_driver logcollectd_forward_driver;

FORWARD_DRIVER_EXPORT const struct forward_driver logcollectd_forward_driver = {
	.version = FORWARD_DRIVER_VERSION,
	.size = sizeof logcollectd_forward_driver,
	.scheme = "kafka",
	.engine = "librdkafka",
	.open = kafka_open,
	.publish = kafka_publish,
	.confirm = kafka_confirm,
	.close = kafka_close,
	.read_open = kafka_read_open,
	.read_next = kafka_read_next,
	.read_close = kafka_read_close,
};
