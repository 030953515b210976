/* SPDX-License-Identifier: ISC */
/* [address:]port, good and bad, and back again. */
#include "core/endpoint.h"

#include "unit/tap.h"

static void
good(void)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *again;
	} cases[] = {
		{"9000", "0.0.0.0", 9000, "0.0.0.0:9000"},
		{"0", "0.0.0.0", 0, "0.0.0.0:0"},
		{"*:65535", "0.0.0.0", 65535, "0.0.0.0:65535"},
		{"127.0.0.1:9000", "127.0.0.1", 9000, "127.0.0.1:9000"},
		{"localhost:1", "localhost", 1, "localhost:1"},
		{"logs-1.example.org:80", "logs-1.example.org", 80, "logs-1.example.org:80"},
		{"[::1]:9000", "::1", 9000, "[::1]:9000"},
		{"[::]:0", "::", 0, "[::]:0"},
		{"[fe80::1%eth0]:9", "fe80::1%eth0", 9, "[fe80::1%eth0]:9"},
		{"fd@logcollectd.socket", "fd@logcollectd.socket", 0, "fd@logcollectd.socket"},
		{"fd@9000", "fd@9000", 0, "fd@9000"},
		{"[::ffff:192.0.2.7]:9", "::ffff:192.0.2.7", 9, "[::ffff:192.0.2.7]:9"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct endpoint endpoint, again;
		char text[ENDPOINT_TEXT_MAX];
		memset(&endpoint, 0xff, sizeof endpoint);
		CU_ASSERT_PTR_NULL(endpoint_parse(cases[i].text, &endpoint));
		CU_ASSERT_STRING_EQUAL(endpoint.host, cases[i].host);
		CU_ASSERT_EQUAL(endpoint.port, cases[i].port);
		CU_ASSERT_STRING_EQUAL(endpoint_format(&endpoint, text), cases[i].again);
		CU_ASSERT_PTR_NULL(endpoint_parse(text, &again));
		CU_ASSERT_EQUAL(memcmp(&endpoint, &again, sizeof endpoint), 0);
	}
}

static void
bad(void)
{
	static const char *const cases[] = {"", ":", "x", "127.0.0.1", "localhost", ":9000",
		"[::1]", "[]:9000", "[::1:9000", "::1]:9000", "::1:9000", "[127.0.0.1]:9000",
		"[::g]:9000", "[::1%]:9000", "[::1%a b]:9", "300.1.1.1:9000", "1.2.3:9000",
		"1:9000:1", "a b:9000", "a/b:9000", "localhost:", "localhost:65536", "localhost:-1",
		"localhost:+1", "localhost: 1", "localhost:1x", "localhost:000001", "65536",
		"999999999999", "-1", "[::1]x:9000", "[[::1]]:9000", "fd@", "fd@a:9000", "fd@a\tb",
		"fd@two words", "fd@\xc3\xa4", "FD@a"};
	struct endpoint before = {.host = "before", .port = 7}, endpoint = before;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CU_ASSERT_PTR_NOT_NULL(endpoint_parse(cases[i], &endpoint));
		CU_ASSERT_EQUAL(memcmp(&endpoint, &before, sizeof before), 0);
	}
}

static void
long_hosts(void)
{
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT_MAX + 16];
	for (int len = 252; len <= 255; len++) {
		snprintf(text, sizeof text, "%0*d", len, 0);
		memset(text, 'a', (size_t)len);
		snprintf(text + len, sizeof text - (size_t)len, ":65535");
		CU_ASSERT_EQUAL(endpoint_parse(text, &endpoint) == NULL, len < ENDPOINT_HOST_MAX);
		if (len < ENDPOINT_HOST_MAX) {
			char again[ENDPOINT_TEXT_MAX];
			CU_ASSERT_STRING_EQUAL(endpoint_format(&endpoint, again), text);
		}
	}
}

static void
halves(void)
{
	struct endpoint endpoint = {.host = "192.0.2.1", .port = 7};
	CU_ASSERT_PTR_NULL(endpoint_parse_port("9001", &endpoint));
	CU_ASSERT_STRING_EQUAL(endpoint.host, "192.0.2.1");
	CU_ASSERT_PTR_NULL(endpoint_parse_host("::1", &endpoint));
	CU_ASSERT_STRING_EQUAL(endpoint.host, "::1");
	CU_ASSERT_EQUAL(endpoint.port, 9001);
	CU_ASSERT_PTR_NULL(endpoint_parse_host("[::2]", &endpoint));
	CU_ASSERT_STRING_EQUAL(endpoint.host, "::2");
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse_host("", &endpoint));
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse_host("[localhost]", &endpoint));
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse_port("", &endpoint));
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse_port("localhost:1", &endpoint));
}

static void
clashes(void)
{
	struct endpoint a = {.host = "localhost", .port = 9}, b = {.host = "LOCALHOST", .port = 9};
	CU_ASSERT_TRUE(endpoint_clash(&a, &b));
	b.port = 10;
	CU_ASSERT_FALSE(endpoint_clash(&a, &b));
	a.port = b.port = 0;
	CU_ASSERT_FALSE(endpoint_clash(&a, &b));
}

static void
passed(void)
{
	struct endpoint a, b, address;
	char text[ENDPOINT_HOST_MAX + 2] = "fd@";
	CU_ASSERT_PTR_NULL(endpoint_parse("fd@logs", &a));
	CU_ASSERT_PTR_NULL(endpoint_parse("fd@logs", &b));
	CU_ASSERT_PTR_NULL(endpoint_parse("fd:0", &address)); /* a host of that name */
	CU_ASSERT_STRING_EQUAL(endpoint_passed_name(&a), "logs");
	CU_ASSERT_PTR_NULL(endpoint_passed_name(&address));
	CU_ASSERT_TRUE(endpoint_clash(&a, &b));
	CU_ASSERT_PTR_NULL(endpoint_parse("fd@Logs", &b));
	CU_ASSERT_FALSE(endpoint_clash(&a, &b));
	memset(text + 3, 'n', ENDPOINT_HOST_MAX - 4);
	CU_ASSERT_PTR_NULL(endpoint_parse(text, &a));
	CU_ASSERT_EQUAL(strlen(endpoint_passed_name(&a)), ENDPOINT_HOST_MAX - 4);
	text[strlen(text)] = 'n';
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse(text, &a));
}

static void
local(void)
{
	static const char *const wrong[] = {"", "unix:", "unix:run/x", "/run/x", "9000"};
	struct endpoint endpoint;
	char text[ENDPOINT_TEXT_MAX], longest[200];
	memset(&endpoint, 0xff, sizeof endpoint);
	CU_ASSERT_PTR_NULL(endpoint_parse_local("unix:/run/x y:9", &endpoint));
	CU_ASSERT_EQUAL(endpoint.port, 0);
	CU_ASSERT_STRING_EQUAL(endpoint_local_path(&endpoint), "/run/x y:9");
	CU_ASSERT_STRING_EQUAL(endpoint_format(&endpoint, text), "unix:/run/x y:9");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		CU_ASSERT_PTR_NOT_NULL(endpoint_parse_local(wrong[i], &endpoint));
	snprintf(longest, sizeof longest, "unix:/%0106d", 0);
	CU_ASSERT_PTR_NULL(endpoint_parse_local(longest, &endpoint));
	snprintf(longest, sizeof longest, "unix:/%0107d", 0);
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse_local(longest, &endpoint));
	CU_ASSERT_PTR_NULL(endpoint_parse("9000", &endpoint));
	CU_ASSERT_PTR_NULL(endpoint_local_path(&endpoint));
	CU_ASSERT_PTR_NOT_NULL(endpoint_parse("unix:/run/x", &endpoint));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"good endpoints parse, and their text parses again", good},
		{"bad endpoints are refused and change nothing", bad},
		{"hosts of up to 253 bytes", long_hosts},
		{"address or port alone", halves},
		{"the same address twice, port 0 apart", clashes},
		{"sockets that are passed, by their name", passed},
		{"sockets in the file system", local},
		{NULL, NULL},
	};
	return tap_main("endpoint", cases);
}
