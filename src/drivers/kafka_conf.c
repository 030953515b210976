/* SPDX-License-Identifier: ISC */
/* The Kafka driver: how brokers are reached, and what their errors mean. */
#include <stdlib.h>
#include <strings.h>

#include "drivers/kafka.h"

enum { SERVERS_MAX = 8192 };

bool
kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, char why[FORWARD_WHY_MAX])
{
	return rd_kafka_conf_set(conf, name, value, why, FORWARD_WHY_MAX) == RD_KAFKA_CONF_OK;
}

/* The daemon's log says what is to be said. */
static void
say_nothing(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	(void)handle;
	(void)level;
	(void)facility;
	(void)text;
}

static bool
set_servers(rd_kafka_conf_t *conf, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	char servers[SERVERS_MAX] = "";
	size_t len = 0;
	for (size_t i = 0; i < target->host_count && len < sizeof servers; i++) {
		const struct forward_host *host = &target->hosts[i];
		bool brackets = strchr(host->host, ':') != NULL;
		len += (size_t)snprintf(servers + len, sizeof servers - len, "%s%s%s%s:%u",
			i > 0 ? "," : "", brackets ? "[" : "", host->host, brackets ? "]" : "",
			host->port);
	}
	return kafka_set(conf, "bootstrap.servers", servers, why);
}

static bool
set_security(rd_kafka_conf_t *conf, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	static const char *const protocols[2][2] = {
		{"plaintext", "sasl_plaintext"}, {"ssl", "sasl_ssl"}};
	bool sasl = target->user != NULL;
	bool good = kafka_set(conf, "security.protocol", protocols[target->tls][sasl], why);
	if (target->tls_ca != NULL)
		good = good && kafka_set(conf, "ssl.ca.location", target->tls_ca, why);
	if (target->tls_cert != NULL)
		good = good && kafka_set(conf, "ssl.certificate.location", target->tls_cert, why) &&
		       kafka_set(conf, "ssl.key.location", target->tls_key, why);
	if (target->tls)
		good = good &&
		       kafka_set(conf, "enable.ssl.certificate.verification", "true", why) &&
		       kafka_set(conf, "ssl.endpoint.identification.algorithm", "https", why);
	if (!sasl)
		return good;
	const char *mechanism = forward_option(target, "mechanism");
	return good &&
	       kafka_set(conf, "sasl.mechanisms", mechanism == NULL ? "PLAIN" : mechanism, why) &&
	       kafka_set(conf, "sasl.username", target->user, why) &&
	       kafka_set(conf, "sasl.password", target->password, why);
}

rd_kafka_conf_t *
kafka_conf(const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, say_nothing);
	/* A batch may be one line that is longer than others; the brokers say what they take. */
	if (set_servers(conf, target, why) && set_security(conf, target, why) &&
		kafka_set(conf, "client.id", "logcollectd", why) &&
		kafka_set(conf, "message.max.bytes", "1000000000", why) &&
		kafka_set(conf, "reconnect.backoff.max.ms", "2000", why))
		return conf;
	rd_kafka_conf_destroy(conf);
	return NULL;
}

enum forward_outcome
kafka_outcome(rd_kafka_resp_err_t error)
{
	static const rd_kafka_resp_err_t refusals[] = {
		RD_KAFKA_RESP_ERR__AUTHENTICATION,
		RD_KAFKA_RESP_ERR__SSL,
		RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
		RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
		RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
		RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
		RD_KAFKA_RESP_ERR_INVALID_MSG,
		RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
		RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
		RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	};
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (error == refusals[i])
			return FORWARD_FATAL;
	}
	return FORWARD_RETRY;
}
