/* SPDX-License-Identifier: ISC */
/* What both halves of the Kafka driver, the one that publishes and the one that reads, need of librdkafka. */
#ifndef DRIVERS_KAFKA_H
#define DRIVERS_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "forward/driver.h"

/* What the library has said, from rd_kafka_poll(), since it was forgotten.  A refusal stays: what is said after it only follows from it. */
struct kafka_trouble {
	rd_kafka_resp_err_t error;
	char text[FORWARD_WHY_MAX];
	_Atomic int distrust; /* X509_V_ERR_… of a broker's certificate, from any thread */
};

/*
 * How to reach the brokers, silently.  For rd_kafka_new(), whose opaque is `trouble`; NULL with why.
 */
rd_kafka_conf_t *kafka_conf(const struct forward_target *target, struct kafka_trouble *trouble,
	char why[FORWARD_WHY_MAX]);

void kafka_forget(struct kafka_trouble *trouble);

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
