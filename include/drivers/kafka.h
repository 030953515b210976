/* SPDX-License-Identifier: ISC */
/* What both halves of the Kafka driver, the one that publishes and the one that reads, need of librdkafka. */
#ifndef DRIVERS_KAFKA_H
#define DRIVERS_KAFKA_H

#include <librdkafka/rdkafka.h>

#include "forward/driver.h"

/*
 * How to reach the brokers, silently.  For rd_kafka_new(); NULL with why.
 */
rd_kafka_conf_t *kafka_conf(const struct forward_target *target, char why[FORWARD_WHY_MAX]);

/* Sets what cannot be wrong but by a library that lacks it.  Whether it was. */
bool kafka_set(
	rd_kafka_conf_t *conf, const char *name, const char *value, char why[FORWARD_WHY_MAX]);

/* Whether an operator has to do something. */
enum forward_outcome kafka_outcome(rd_kafka_resp_err_t error);

/* The half that reads. */
enum forward_outcome kafka_read_open(const struct forward_target *target, int64_t since_ms,
	void **state, char why[FORWARD_WHY_MAX]);
enum forward_outcome kafka_read_next(
	void *state, struct forward_message *message, int timeout_ms, char why[FORWARD_WHY_MAX]);
void kafka_read_close(void *state);

#endif
