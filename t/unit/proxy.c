/* SPDX-License-Identifier: ISC */
/* Headers of the PROXY protocol: both versions, cut at every byte, with every byte changed, and none at all. */
#include "core/proxy.h"

#include <string.h>

#include "unit/tap.h"

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";

/* Binary headers are put together here. */
struct binary {
	char bytes[2 * PROXY_MAX];
	size_t len;
};

static void
add(struct binary *binary, const void *bytes, size_t len)
{
	memcpy(binary->bytes + binary->len, bytes, len);
	binary->len += len;
}

static void
end(struct binary *binary)
{
	size_t rest = binary->len - PROXY_V2_BYTES;
	binary->bytes[14] = (char)(rest >> 8);
	binary->bytes[15] = (char)rest;
}

static struct binary
begin(unsigned char command, unsigned char family)
{
	struct binary binary = {.len = 0};
	const unsigned char kind[] = {command, family, 0, 0};
	add(&binary, signature, 12);
	add(&binary, kind, sizeof kind);
	return binary;
}

/* From 192.0.2.7. */
static struct binary
inet(void)
{
	static const unsigned char addresses[] = {
		192, 0, 2, 7, 198, 51, 100, 1, 0x12, 0x34, 0x23, 0x28};
	struct binary binary = begin(0x21, 0x11);
	add(&binary, addresses, sizeof addresses);
	end(&binary);
	return binary;
}

static void
add_extension(struct binary *binary, unsigned char type, size_t len, char filler)
{
	const unsigned char head[] = {type, (unsigned char)(len >> 8), (unsigned char)len};
	add(binary, head, sizeof head);
	memset(binary->bytes + binary->len, filler, len);
	binary->len += len;
	end(binary);
}

/* Asserts what whole bytes are; `client` NULL: nobody is told.  A good one is MORE at every cut, and takes no byte of what follows. */
static void
expect_bytes(struct slice bytes, enum proxy_result expected, const char *client)
{
	struct proxy proxy = {.consumed = 0};
	char text[ADDRESS_TEXT_MAX], longer[sizeof((struct binary *)0)->bytes + 8];
	CU_ASSERT_EQUAL(proxy_parse(bytes, &proxy), expected);
	if (expected != PROXY_OK) {
		CU_ASSERT_EQUAL(proxy.consumed, 0);
		return;
	}
	CU_ASSERT_EQUAL(proxy.consumed, bytes.len);
	CU_ASSERT_EQUAL(proxy.told, client != NULL);
	if (client != NULL)
		CU_ASSERT_STRING_EQUAL(address_format(&proxy.client, text), client);
	memcpy(longer, bytes.data, bytes.len);
	memcpy(longer + bytes.len, "\n{}\r\nPRO", 8);
	for (size_t i = 1; i <= 8; i++) {
		CU_ASSERT_EQUAL(
			proxy_parse((struct slice){longer, bytes.len + i}, &proxy), PROXY_OK);
		CU_ASSERT_EQUAL(proxy.consumed, bytes.len);
	}
	for (size_t len = 0; len < bytes.len; len++)
		CU_ASSERT_EQUAL(proxy_parse((struct slice){bytes.data, len}, &proxy), PROXY_MORE);
}

static void
expect(const char *text, enum proxy_result expected, const char *client)
{
	expect_bytes(slice_of(text), expected, client);
}

static void
text_good(void)
{
	expect("PROXY TCP4 192.0.2.7 198.51.100.1 56324 9000\r\n", PROXY_OK, "192.0.2.7");
	expect("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", PROXY_OK,
		"255.255.255.255");
	expect("PROXY TCP6 2001:db8::7 2001:db8::1 0 1\r\n", PROXY_OK, "2001:db8::7");
	expect("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", PROXY_OK, "192.0.2.7");
	expect("PROXY UNKNOWN\r\n", PROXY_OK, NULL);
	expect("PROXY UNKNOWN ffff:f...f:ffff whatever stands there\r\n", PROXY_OK, NULL);
	expect("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		PROXY_OK, NULL);
}

static void
text_bad(void)
{
	static const char *const cases[] = {
		"PROXY \r\n",
		"PROXY TCP4\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
		"PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
		"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n",
		"PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
		"PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 x 1 2\r\n",
		"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
		"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY TCP6 :: ::1 1 2\r\n",
		"PROXY TCP6 ff02::1 ::1 1 2\r\n",
		"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
		"PROXY UNKNOWNS\r\n",
		"proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
		"{\"level\":\"ERROR\",\"message\":\"x\"}\n",
		"\n",
		"\r\n\r\n\r\n",
		"P\n",
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(cases[i], PROXY_INVALID, NULL);
	static const char zero[] = "PROXY UNKNOWN\0\r\n", early[] = "PROXY TCP4\0";
	expect_bytes((struct slice){zero, sizeof zero - 1}, PROXY_INVALID, NULL);
	expect_bytes((struct slice){early, sizeof early - 1}, PROXY_INVALID, NULL);
}

/* 107 bytes are the most, with CR LF. */
static void
text_long(void)
{
	char line[PROXY_V1_MAX + 8];
	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	struct proxy proxy;
	CU_ASSERT_EQUAL(proxy_parse((struct slice){line, PROXY_V1_MAX - 1}, &proxy), PROXY_MORE);
	CU_ASSERT_EQUAL(proxy_parse((struct slice){line, PROXY_V1_MAX}, &proxy), PROXY_INVALID);
	memcpy(line + PROXY_V1_MAX - 2, "\r\n", 2);
	expect_bytes((struct slice){line, PROXY_V1_MAX}, PROXY_OK, NULL);
	memcpy(line + PROXY_V1_MAX - 2, "x\r\n", 3);
	expect_bytes((struct slice){line, PROXY_V1_MAX + 1}, PROXY_INVALID, NULL);
}

static void
binary_good(void)
{
	struct binary binary = inet();
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "192.0.2.7");
	add_extension(&binary, 0x04, 0, 0);
	add_extension(&binary, 0xe1, 300, 'x');
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "192.0.2.7");

	unsigned char addresses[36] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7, [16] = 0x20};
	binary = begin(0x21, 0x21);
	add(&binary, addresses, sizeof addresses);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "2001:db8::7");
	memcpy(binary.bytes + 16, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7", 16);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "192.0.2.7");
}

/* The connection's own address stays. */
static void
binary_nobody(void)
{
	struct binary binary = begin(0x20, 0x00);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
	binary = inet();
	binary.bytes[12] = 0x20;
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
	binary = begin(0x20, 0xff);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
	binary = begin(0x21, 0x00);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
	add(&binary, "whatever", 8);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
	char paths[216] = "/run/from";
	binary = begin(0x21, 0x31);
	add(&binary, paths, sizeof paths);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, NULL);
}

static void
binary_bad(void)
{
	static const struct {
		size_t at;
		unsigned char byte;
	} changes[] = {{0, 'P'}, {4, '\r'}, {11, ' '}, {12, 0x11}, {12, 0x22}, {12, 0x31},
		{13, 0x41}, {13, 0x13}, {13, 0x21}, {13, 0x31}, {15, 11}};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct binary binary = inet();
		binary.bytes[changes[i].at] = (char)changes[i].byte;
		expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_INVALID, NULL);
	}
	/* Half an extension, one that is longer than the header, and nobody's addresses. */
	struct binary binary = inet();
	add(&binary, "\x04\0", 2);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_INVALID, NULL);
	binary = inet();
	add(&binary, "\x04\0\2x", 4);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_INVALID, NULL);
	unsigned char addresses[36] = {0};
	binary = begin(0x21, 0x21);
	add(&binary, addresses, sizeof addresses);
	end(&binary);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_INVALID, NULL);
	binary.bytes[16] = '\xff'; /* nor may it pass for a user of a unix socket */
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_INVALID, NULL);
}

static void
binary_long(void)
{
	struct binary binary = inet();
	add_extension(&binary, 0x04, PROXY_MAX - PROXY_V2_BYTES - 12 - 3, 'x');
	CU_ASSERT_EQUAL(binary.len, PROXY_MAX);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "192.0.2.7");
	add(&binary, "x", 1);
	end(&binary);
	struct proxy proxy;
	CU_ASSERT_EQUAL(
		proxy_parse((struct slice){binary.bytes, PROXY_V2_BYTES}, &proxy), PROXY_INVALID);
}

/* A header with its CRC-32C: no byte of it can be another one. */
static void
checksum(void)
{
	/* Computed by a program that gives e3069283 for "123456789", as RFC 3720's checksum does. */
	static const unsigned char crc[] = {0xee, 0xd4, 0x8a, 0xea};
	struct binary binary = inet();
	add_extension(&binary, 0x03, 4, 0);
	memcpy(binary.bytes + binary.len - sizeof crc, crc, sizeof crc);
	expect_bytes((struct slice){binary.bytes, binary.len}, PROXY_OK, "192.0.2.7");
	for (size_t i = PROXY_V2_BYTES; i < binary.len; i++) {
		struct binary changed = binary;
		struct proxy proxy;
		if (i == 28) /* another type is another extension */
			continue;
		changed.bytes[i] ^= 1;
		CU_ASSERT_EQUAL(proxy_parse((struct slice){changed.bytes, changed.len}, &proxy),
			PROXY_INVALID);
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"text", text_good},
		{"bad text", text_bad},
		{"long text", text_long},
		{"binary", binary_good},
		{"binary that names nobody", binary_nobody},
		{"bad binary", binary_bad},
		{"long binary", binary_long},
		{"with a checksum", checksum},
		{NULL, NULL},
	};
	return tap_main("proxy", cases);
}
