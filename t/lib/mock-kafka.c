/* SPDX-License-Identifier: ISC */
/*
 * A cluster of Kafka brokers that is none: librdkafka's mock, as a process of its own.  Says where it listens, one line; then
 * does what its standard input says, a word or two a line, and answers `ok` to each:
 *
 *	down N | up N		broker N, or all with -1
 *	rtt MS			every answer takes so long
 *	errors CODE COUNT	the next COUNT batches are refused with that error code
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BROKERS = 3, PRODUCE = 0 };

static void
obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
	char word[16] = "";
	int first = 0, second = 0;
	sscanf(line, "%15s %d %d", word, &first, &second);
	if (strcmp(word, "down") == 0)
		rd_kafka_mock_broker_set_down(cluster, first);
	else if (strcmp(word, "up") == 0)
		rd_kafka_mock_broker_set_up(cluster, first);
	else if (strcmp(word, "rtt") == 0)
		rd_kafka_mock_broker_set_rtt(cluster, -1, first);
	for (int i = 0; strcmp(word, "errors") == 0 && i < second; i++)
		rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, (rd_kafka_resp_err_t)first);
	puts("ok");
	fflush(stdout);
}

int
main(void)
{
	char why[512], line[256];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	rd_kafka_mock_cluster_t *cluster = handle == NULL
	                                           ? NULL
	                                           : rd_kafka_mock_cluster_new(handle, BROKERS);
	if (cluster == NULL)
		return 1;
	rd_kafka_mock_topic_create(cluster, "logs", 4, BROKERS);
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL)
		obey(cluster, line);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(handle);
	return 0;
}
