/* SPDX-License-Identifier: ISC */
/* The Kafka driver: how brokers are reached, and what their errors mean. */
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "drivers/kafka.h"

enum { SERVERS_MAX = 8192 };

bool
kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, char why[FORWARD_WHY_MAX])
{
	/* The library may have something to say of what it takes, too. */
	char said[FORWARD_WHY_MAX] = "";
	if (rd_kafka_conf_set(conf, name, value, said, sizeof said) == RD_KAFKA_CONF_OK)
		return true;
	memcpy(why, said, sizeof said);
	return false;
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

void
kafka_forget(struct kafka_trouble *trouble)
{
	trouble->error = RD_KAFKA_RESP_ERR_NO_ERROR;
	trouble->text[0] = '\0';
}

static void
on_error(rd_kafka_t *handle, int error, const char *reason, void *opaque)
{
	struct kafka_trouble *trouble = opaque;
	int distrust = atomic_load(&trouble->distrust);
	bool fatal = error == RD_KAFKA_RESP_ERR__FATAL;
	(void)handle;
	if (!fatal && kafka_outcome(trouble->error) == FORWARD_FATAL)
		return;
	/* What the broker refuses in the middle of TLS is told as a connection that has ended. */
	if (strstr(reason, "SSL alert number") != NULL)
		error = RD_KAFKA_RESP_ERR__SSL;
	trouble->error = (rd_kafka_resp_err_t)error;
	const char *colon = strstr(reason, ": ");
	if (error == RD_KAFKA_RESP_ERR__SSL && distrust != 0 && colon != NULL)
		snprintf(trouble->text, sizeof trouble->text,
			"%.*s: its certificate is not trusted: %s", (int)(colon - reason), reason,
			X509_verify_cert_error_string(distrust));
	else
		snprintf(trouble->text, sizeof trouble->text, "%s", reason);
}

/* The library says the same of all certificates that it does not trust. */
static int
on_certificate(rd_kafka_t *handle, const char *broker, int32_t broker_id, int *error, int depth,
	const char *bytes, size_t size, char *reason, size_t reason_size, void *opaque)
{
	struct kafka_trouble *trouble = opaque;
	(void)handle, (void)broker, (void)broker_id, (void)depth, (void)bytes, (void)size;
	if (*error == 0)
		return 1;
	atomic_store(&trouble->distrust, *error);
	snprintf(reason, reason_size, "%s", X509_verify_cert_error_string(*error));
	return 0;
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

/* The library does not name the file that it cannot read. */
static bool
set_file(rd_kafka_conf_t *conf, const char *name, const char *path, char why[FORWARD_WHY_MAX])
{
	if (access(path, R_OK) == 0)
		return kafka_set(conf, name, path, why);
	snprintf(why, FORWARD_WHY_MAX, "TLS: cannot use %.400s: %s", path, strerrordesc_np(errno));
	return false;
}

static bool
set_security(rd_kafka_conf_t *conf, const struct forward_target *target, char why[FORWARD_WHY_MAX])
{
	static const char *const protocols[2][2] = {
		{"plaintext", "sasl_plaintext"}, {"ssl", "sasl_ssl"}};
	bool sasl = target->user != NULL;
	bool good = kafka_set(conf, "security.protocol", protocols[target->tls][sasl], why);
	if (target->tls_ca != NULL)
		good = good && set_file(conf, "ssl.ca.location", target->tls_ca, why);
	if (target->tls_cert != NULL)
		good = good && set_file(conf, "ssl.certificate.location", target->tls_cert, why) &&
		       set_file(conf, "ssl.key.location", target->tls_key, why);
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
kafka_conf(const struct forward_target *target, struct kafka_trouble *trouble,
	char why[FORWARD_WHY_MAX])
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_opaque(conf, trouble);
	rd_kafka_conf_set_log_cb(conf, say_nothing);
	rd_kafka_conf_set_error_cb(conf, on_error);
	if (target->tls)
		rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate);
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
		RD_KAFKA_RESP_ERR_INVALID_MSG,
		RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
		RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
		RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
		RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM,
		RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
	};
	if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		return FORWARD_TOO_LARGE;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		if (error == refusals[i])
			return FORWARD_FATAL;
	}
	return FORWARD_RETRY;
}
