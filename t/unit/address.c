/* SPDX-License-Identifier: ISC */
/* Addresses: one value for one client, prefixes, text. */
#include "core/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "unit/tap.h"

static struct address
ipv4(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9000)};
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, text, &in.sin_addr), 1);
	return address_from_sockaddr((const struct sockaddr *)&in);
}

static struct address
ipv6(const char *text)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(9000)};
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return address_from_sockaddr((const struct sockaddr *)&in6);
}

static bool
reads(struct address address, const char *expected)
{
	char text[ADDRESS_TEXT_MAX];
	return strcmp(address_format(&address, text), expected) == 0;
}

static void
mapped(void)
{
	struct address plain = ipv4("192.0.2.7"), dual = ipv6("::ffff:192.0.2.7");
	CU_ASSERT(address_equal(&plain, &dual));
	CU_ASSERT(address_is_ipv4(&plain) && address_is_ipv4(&dual));
	struct address other = ipv4("192.0.2.8"), v6 = ipv6("2001:db8::1");
	CU_ASSERT(!address_equal(&plain, &other));
	CU_ASSERT(!address_is_ipv4(&v6));
	/* Both end in the same four bytes, but neither is mapped. */
	struct address compatible = ipv6("::192.0.2.7"), nat64 = ipv6("64:ff9b::192.0.2.7");
	CU_ASSERT(!address_is_ipv4(&compatible) && !address_is_ipv4(&nat64));
	CU_ASSERT(!address_equal(&plain, &compatible));
}

static void
ports(void)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct address before = address_from_sockaddr((const struct sockaddr *)&in6);
	in6.sin6_port = htons(1);
	in6.sin6_flowinfo = 2;
	in6.sin6_scope_id = 3;
	struct address after = address_from_sockaddr((const struct sockaddr *)&in6);
	CU_ASSERT(address_equal(&before, &after));
}

static void
other_family(void)
{
	struct sockaddr sa = {.sa_family = AF_UNIX, .sa_data = "path"};
	CU_ASSERT(reads(address_from_sockaddr(&sa), "::"));
}

static void
text(void)
{
	CU_ASSERT(reads(ipv4("192.0.2.7"), "192.0.2.7"));
	CU_ASSERT(reads(ipv6("::ffff:192.0.2.7"), "192.0.2.7"));
	CU_ASSERT(reads(ipv4("255.255.255.255"), "255.255.255.255"));
	CU_ASSERT(reads(ipv6("2001:DB8:0:0:0:0:0:1"), "2001:db8::1"));
	CU_ASSERT(reads(ipv6("::1"), "::1"));
	CU_ASSERT(reads(ipv6("1111:2222:3333:4444:5555:6666:7777:8888"),
		"1111:2222:3333:4444:5555:6666:7777:8888"));
}

static void
users(void)
{
	static const struct {
		uint32_t uid;
		const char *text;
	} rows[] = {{0, "uid:0"}, {1000, "uid:1000"}, {UINT32_MAX, "uid:4294967295"}};
	struct address read;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct address address = address_from_uid(rows[i].uid);
		CU_ASSERT(address_is_uid(&address));
		CU_ASSERT(!address_is_ipv4(&address));
		CU_ASSERT(reads(address, rows[i].text));
		CU_ASSERT(address_parse(rows[i].text, &read) && address_equal(&read, &address));
		for (unsigned bits = 0; bits <= 128; bits++)
			CU_ASSERT(reads(address_prefix(&address, bits), rows[i].text));
	}
}

static void
parsed(void)
{
	static const char *const good[] = {"192.0.2.7", "2001:db8::1", "::", "uid:7"};
	static const char *const bad[] = {"", "x", "uid:", "uid:-1", "uid:1x", "uid: 1",
		"uid:4294967296", "uid:99999999999", "UID:1", "192.0.2", "192.0.2.7/8", "1000"};
	struct address read = address_from_uid(1);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CU_ASSERT(address_parse(good[i], &read) && reads(read, good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT(!address_parse(bad[i], &read));
	CU_ASSERT(address_parse("::ffff:192.0.2.7", &read) && reads(read, "192.0.2.7"));
	CU_ASSERT(!address_is_uid(&read));
}

static void
prefixes(void)
{
	static const struct {
		unsigned bits;
		const char *expected;
	} rows[] = {
		{128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{127, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"},
		{121, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff80"},
		{120, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00"},
		{65, "ffff:ffff:ffff:ffff:8000::"},
		{64, "ffff:ffff:ffff:ffff::"},
		{63, "ffff:ffff:ffff:fffe::"},
		{56, "ffff:ffff:ffff:ff00::"},
		{13, "fff8::"},
		{9, "ff80::"},
		{8, "ff00::"},
		{7, "fe00::"},
		{1, "8000::"},
		{0, "::"},
	};
	struct address all = ipv6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		CU_ASSERT(reads(address_prefix(&all, rows[i].bits), rows[i].expected));
}

static void
every_prefix(void)
{
	struct address all;
	memset(all.bytes, 0xff, sizeof all.bytes);
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct address prefix = address_prefix(&all, bits);
		for (unsigned bit = 0; bit < 128; bit++) {
			unsigned set = prefix.bytes[bit / 8] >> (7 - bit % 8) & 1;
			CU_ASSERT_EQUAL(set, bit < bits);
		}
	}
}

static void
ipv4_whole(void)
{
	struct address plain = ipv4("192.0.2.7");
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct address prefix = address_prefix(&plain, bits);
		CU_ASSERT(address_equal(&prefix, &plain));
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"IPv4 and IPv4-mapped are one client", mapped},
		{"the port and the scope do not count", ports},
		{"another family is ::", other_family},
		{"text", text},
		{"users", users},
		{"what is read", parsed},
		{"prefixes, at odd bit counts too", prefixes},
		{"every prefix keeps exactly its bits", every_prefix},
		{"a prefix leaves IPv4 whole", ipv4_whole},
		{NULL, NULL},
	};
	return tap_main("address", cases);
}
