/* SPDX-License-Identifier: ISC */
/* Address blocks, good and bad, who is in them, and back again. */
#include "core/network.h"

#include <arpa/inet.h>

#include "unit/tap.h"

static struct address
address_of(const char *text)
{
	struct network network = {.bits = 0};
	CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(text), &network));
	CU_ASSERT_EQUAL(network.bits, 128);
	return network.address;
}

static void
good(void)
{
	static const struct {
		const char *text, *again, *in, *out;
	} cases[] = {
		{"192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.6"},
		{"192.0.2.7/32", "192.0.2.7", "192.0.2.7", "192.0.2.6"},
		{"10.1.2.3/8", "10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
		{"172.16.0.0/12", "172.16.0.0/12", "172.31.255.255", "172.32.0.0"},
		{"0.0.0.0/0", "0.0.0.0/0", "203.0.113.9", "::1"},
		{"::1", "::1", "::1", "127.0.0.1"},
		{"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8", "10.2.3.4", "11.0.0.0"},
		{"fe80::/10", "fe80::/10", "fe80::1", "192.0.2.1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network network, again;
		char text[NETWORK_TEXT_MAX];
		CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(cases[i].text), &network));
		CU_ASSERT_STRING_EQUAL(network_format(&network, text), cases[i].again);
		CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(text), &again));
		CU_ASSERT_EQUAL(memcmp(&network, &again, sizeof network), 0);
		struct address in = address_of(cases[i].in), out = address_of(cases[i].out);
		CU_ASSERT(network_contains(&network, &in));
		CU_ASSERT(!network_contains(&network, &out));
	}
}

/* ::/0 is everybody, IPv4 too; and each length of a prefix is written so that it is read again. */
static void
every_length(void)
{
	struct address ipv4 = address_of("192.0.2.7");
	for (int bits = 0; bits <= 128; bits++) {
		char text[NETWORK_TEXT_MAX];
		struct network network, again;
		snprintf(text, sizeof text, "::ffff:192.0.2.7/%d", bits);
		CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(text), &network));
		CU_ASSERT_EQUAL(network.bits, bits);
		CU_ASSERT(network_contains(&network, &ipv4));
		network_format(&network, text);
		CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(text), &again));
		CU_ASSERT_EQUAL(memcmp(&network, &again, sizeof network), 0);
	}
}

static void
bad(void)
{
	static const char *const cases[] = {"", "x", "10", "10.0.0", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/0008", "::1/129", "[::1]", "/8", "::g",
		"localhost", "10.0.0.0/8/8", "fe80::1%eth0",
		"1111111111111111111111111111111111111111111111111111111111111111111111111111"};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network network = {.bits = 7};
		CU_ASSERT_PTR_NOT_NULL(network_parse(slice_of(cases[i]), &network));
		CU_ASSERT_EQUAL(network.bits, 7);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"good ones", good},
		{"every length of a prefix", every_length},
		{"bad ones", bad},
		{NULL, NULL},
	};
	return tap_main("network", cases);
}
