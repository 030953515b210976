/* SPDX-License-Identifier: ISC */
/* Both formats of the metrics, and who gets which. */
#include "monitor/metrics.h"

#include "unit/tap.h"

static void
accepts(void)
{
	static const struct {
		const char *accept;
		bool open_metrics;
	} cases[] = {
		{NULL, false},
		{"", false},
		{"*/*", false},
		{"text/plain;version=0.0.4", false},
		{"application/openmetrics-text", true},
		{"Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", true},
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			true},
		{"text/plain;q=0,application/openmetrics-text;q=0.1", true},
		{"application/openmetrics-text;q=0", false},
		{"application/openmetrics-text;q=0.000, */*", false},
		{"application/openmetrics-text;q=0.001", true},
		{"application/openmetrics-text;q=0.001,text/plain;q=0.002", false},
		{"application/openmetrics-text;version=1.0.0;q=0.6,application/"
		 "openmetrics-text;q=0.5"
		 ",text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
			true},
		{"application/openmetrics-text ; Q=0", false},
		{"application/openmetrics-text;q=0,APPLICATION/OPENMETRICS-TEXT", true},
		{"application/openmetrics-text;;x=1;; q=0;", false},
		{"application/openmetrics-texts,xapplication/openmetrics-text", false},
		{",, ,application/openmetrics-text,", true},
		{"application/openmetrics-text;q=,text/plain;", false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool same = metrics_wants_open(cases[i].accept) == cases[i].open_metrics;
		CU_ASSERT_TRUE(same);
		if (!same)
			printf("# %s\n", cases[i].accept);
	}
}

static void
write_families(struct exposition *out)
{
	exposition_family(out, EXPOSITION_INFO, "a_build", NULL, "What.");
	exposition_count(out, "version=\"1\"", 1);
	exposition_family(out, EXPOSITION_COUNTER, "a_bytes", "bytes", "How many.");
	exposition_count(out, NULL, UINT64_MAX);
	exposition_family(out, EXPOSITION_GAUGE, "a_state", NULL, "How.");
	exposition_value(out, "x=\"y\"", 0.5);
	exposition_family(out, EXPOSITION_HISTOGRAM, "a_seconds", "seconds", "How long.");
	exposition_bucket(out, 16, 1);
	exposition_bucket(out, 1048576, 2);
	exposition_all(out, 3, 2000001);
	CU_ASSERT_EQUAL(exposition_end(out), 0);
}

static void
formats(void)
{
	struct buf old = {0}, new = {0};
	struct exposition plain = {.out = &old}, open = {.out = &new, .open_metrics = true};
	write_families(&plain);
	write_families(&open);
	CU_ASSERT_STRING_EQUAL(buf_string(&old),
		"# HELP a_build_info What.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} "
		"1\n"
		"# HELP a_bytes_total How many.\n# TYPE a_bytes_total counter\n"
		"a_bytes_total 18446744073709551615\n"
		"# HELP a_state How.\n# TYPE a_state gauge\na_state{x=\"y\"} 0.5\n"
		"# HELP a_seconds How long.\n# TYPE a_seconds histogram\n"
		"a_seconds_bucket{le=\"0.000016\"} 1\na_seconds_bucket{le=\"1.048576\"} 2\n"
		"a_seconds_bucket{le=\"+Inf\"} 3\na_seconds_sum 2.000001\na_seconds_count 3\n");
	CU_ASSERT_STRING_EQUAL(buf_string(&new),
		"# HELP a_build What.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n"
		"# HELP a_bytes How many.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\n"
		"a_bytes_total 18446744073709551615\n"
		"# HELP a_state How.\n# TYPE a_state gauge\na_state{x=\"y\"} 0.5\n"
		"# HELP a_seconds How long.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n"
		"a_seconds_bucket{le=\"0.000016\"} 1\na_seconds_bucket{le=\"1.048576\"} 2\n"
		"a_seconds_bucket{le=\"+Inf\"} 3\na_seconds_sum 2.000001\na_seconds_count 3\n"
		"# EOF\n");
	buf_fini(&old);
	buf_fini(&new);
}

static void
expect(const char *text, const char *line)
{
	bool found = strstr(text, line) != NULL;
	CU_ASSERT_TRUE(found);
	if (!found)
		printf("# not there: %s\n", line);
}

/* What lasted as long as a bucket says, to the microsecond below, is in it. */
static void
buckets(void)
{
	static struct rates_row row;
	const struct rates rates = {.rows = &row, .count = 1};
	struct look look = {.rates = &rates};
	struct histogram *times = &look.reading.times;
	struct buf out = {0};
	times->buckets[histogram_bucket(15)] = 1;
	times->buckets[histogram_bucket(16)] = 10;
	times->buckets[histogram_bucket(1048575)] = 100;
	times->buckets[histogram_bucket(1048576)] = 1000;
	times->buckets[histogram_bucket(INT64_MAX)] = 10000;
	CU_ASSERT_EQUAL(metrics_write(&out, false, &look), 0);
	const char *text = buf_string(&out);
	expect(text, "_bucket{le=\"0.000016\"} 1\n");
	expect(text, "_bucket{le=\"0.000032\"} 11\n");
	expect(text, "_bucket{le=\"1.048576\"} 111\n");
	expect(text, "_bucket{le=\"2.097152\"} 1111\n");
	expect(text, "_bucket{le=\"67.108864\"} 1111\n");
	expect(text, "_bucket{le=\"+Inf\"} 11111\n");
	buf_fini(&out);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"who gets which format", accepts},
		{"both formats, byte by byte", formats},
		{"the buckets are exact", buckets},
		{NULL, NULL},
	};
	return tap_main("metrics", cases);
}
