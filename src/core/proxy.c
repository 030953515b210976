/* SPDX-License-Identifier: ISC */
/*
 * The text of version 1 is read strictly, so that there is one way to say an address; of version 2, what lies
 * behind the addresses is checked to be whole extensions and no more is made of it, but for a checksum.
 */
#include "core/proxy.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	WORDS = 5, /* behind PROXY: family, two addresses, two ports */
	COMMAND_LOCAL = 0x20,
	COMMAND_PROXY = 0x21,
	FAMILY_MASK = 0xf0,
	FAMILY_UNSPEC = 0x00,
	FAMILY_INET = 0x10,
	FAMILY_INET6 = 0x20,
	FAMILY_UNIX = 0x30,
	TRANSPORT_MASK = 0x0f,
	TRANSPORT_DGRAM = 2, /* the last one */
	TLV_BYTES = 3,
	TLV_CRC32C = 0x03,
	CRC_BYTES = 4,
};

static const char v1_start[] = "PROXY ";
static const char v2_start[] = "\r\n\r\n\0\r\nQUIT\n";
enum { V1_START = sizeof v1_start - 1, V2_START = sizeof v2_start - 1 };

/* Whether the two agree as far as both go. */
static bool
begins(struct slice bytes, const char *start, size_t len)
{
	return memcmp(bytes.data, start, bytes.len < len ? bytes.len : len) == 0;
}

/* 0 to 65535 without a needless zero in front. */
static bool
is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return false;
	unsigned port = 0;
	for (size_t i = 0; i < digits; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	return port <= 65535;
}

/* An address of a family by name; true where it is one that a client can have. */
static bool
read_address(int family, const char *text, struct address *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	bool inet = family == AF_INET;
	if (inet_pton(family, text, inet ? (void *)&in.sin_addr : (void *)&in6.sin6_addr) != 1)
		return false;
	*out = address_from_sockaddr(inet ? (struct sockaddr *)&in : (struct sockaddr *)&in6);
	return address_is_ip(out);
}

/* The words behind "PROXY ", with exactly one space between.  Not more than WORDS, or -1. */
static int
cut_words(char *line, char *words[static WORDS])
{
	int count = 0;
	for (char *word; (word = strsep(&line, " ")) != NULL;) {
		if (count == WORDS)
			return -1;
		words[count++] = word;
	}
	return count;
}

static enum proxy_result
read_line(char *line, struct proxy *out)
{
	char *words[WORDS];
	struct address destination;
	/* What follows UNKNOWN is not to be looked at. */
	if (strcmp(line, "UNKNOWN") == 0 || strncmp(line, "UNKNOWN ", 8) == 0)
		return PROXY_OK;
	if (cut_words(line, words) != WORDS)
		return PROXY_INVALID;
	bool inet = strcmp(words[0], "TCP4") == 0;
	int family = inet ? AF_INET : AF_INET6;
	if (!inet && strcmp(words[0], "TCP6") != 0)
		return PROXY_INVALID;
	if (!read_address(family, words[1], &out->client) ||
		inet_pton(family, words[2], &destination) != 1 || !is_port(words[3]) ||
		!is_port(words[4]))
		return PROXY_INVALID;
	out->told = true;
	return PROXY_OK;
}

static enum proxy_result
parse_v1(struct slice bytes, struct proxy *out)
{
	char line[PROXY_V1_MAX + 1];
	size_t seen = bytes.len < PROXY_V1_MAX ? bytes.len : PROXY_V1_MAX;
	const char *end = memchr(bytes.data, '\n', seen);
	if (end == NULL)
		return seen == PROXY_V1_MAX || memchr(bytes.data, '\0', seen) != NULL
		               ? PROXY_INVALID
		               : PROXY_MORE;
	size_t len = (size_t)(end - bytes.data);
	if (len <= V1_START || end[-1] != '\r' || memchr(bytes.data, '\0', len) != NULL)
		return PROXY_INVALID;
	memcpy(line, bytes.data + V1_START, len - 1 - V1_START);
	line[len - 1 - V1_START] = '\0';
	out->consumed = len + 1;
	return read_line(line, out);
}

static unsigned
number(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* One byte more of the CRC of RFC 3720, bit by bit: headers are short and rare. */
static uint32_t
crc_add(uint32_t crc, unsigned char byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
	return crc;
}

/* Whether the checksum at `at` is that of the header, taken with zeros in its own place. */
static bool
is_crc(struct slice header, size_t at)
{
	uint32_t crc = UINT32_MAX, told = 0;
	for (size_t i = 0; i < header.len; i++)
		crc = crc_add(
			crc, i >= at && i < at + CRC_BYTES ? 0 : (unsigned char)header.data[i]);
	for (size_t i = 0; i < CRC_BYTES; i++)
		told = told << 8 | (unsigned char)header.data[at + i];
	return (crc ^ UINT32_MAX) == told;
}

/* Whether there are whole extensions from `at` on, and nothing else. */
static bool
are_extensions(struct slice header, size_t at)
{
	const unsigned char *bytes = (const unsigned char *)header.data;
	while (at < header.len) {
		if (header.len - at < TLV_BYTES)
			return false;
		unsigned type = bytes[at], len = number(bytes + at + 1);
		at += TLV_BYTES;
		if (header.len - at < len)
			return false;
		if (type == TLV_CRC32C && (len != CRC_BYTES || !is_crc(header, at)))
			return false;
		at += len;
	}
	return true;
}

/* How many bytes the addresses of a family take. */
static size_t
addresses_bytes(unsigned family)
{
	switch (family) {
	case FAMILY_INET:
		return 12;
	case FAMILY_INET6:
		return 36;
	case FAMILY_UNIX:
		return 216;
	default:
		return 0;
	}
}

static void
copy_address(unsigned family, const char *from, struct address *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	memcpy(&in.sin_addr, from, sizeof in.sin_addr);
	if (family == FAMILY_INET6)
		memcpy(&in6.sin6_addr, from, sizeof in6.sin6_addr);
	*out = address_from_sockaddr(
		family == FAMILY_INET ? (struct sockaddr *)&in : (struct sockaddr *)&in6);
}

/* A whole header of version 2. */
static enum proxy_result
read_binary(struct slice header, struct proxy *out)
{
	unsigned command = (unsigned char)header.data[V2_START];
	unsigned kind = (unsigned char)header.data[V2_START + 1];
	unsigned family = kind & FAMILY_MASK;
	size_t addresses = addresses_bytes(family);
	/* A receiver must accept LOCAL whatever else is said there. */
	if (command == COMMAND_LOCAL)
		return PROXY_OK;
	if (family > FAMILY_UNIX || (kind & TRANSPORT_MASK) > TRANSPORT_DGRAM)
		return PROXY_INVALID;
	/* Of UNSPEC the length is all that is known. */
	if (family == FAMILY_UNSPEC)
		return PROXY_OK;
	if (header.len < PROXY_V2_BYTES + addresses ||
		!are_extensions(header, PROXY_V2_BYTES + addresses))
		return PROXY_INVALID;
	if (family == FAMILY_UNIX)
		return PROXY_OK;
	copy_address(family, header.data + PROXY_V2_BYTES, &out->client);
	out->told = true;
	return address_is_ip(&out->client) ? PROXY_OK : PROXY_INVALID;
}

static enum proxy_result
parse_v2(struct slice bytes, struct proxy *out)
{
	unsigned char command = bytes.len > V2_START ? (unsigned char)bytes.data[V2_START]
	                                             : COMMAND_PROXY;
	if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
		return PROXY_INVALID;
	if (bytes.len < PROXY_V2_BYTES)
		return PROXY_MORE;
	size_t len = PROXY_V2_BYTES + number((const unsigned char *)bytes.data + V2_START + 2);
	if (len > PROXY_MAX)
		return PROXY_INVALID;
	if (bytes.len < len)
		return PROXY_MORE;
	out->consumed = len;
	return read_binary((struct slice){bytes.data, len}, out);
}

enum proxy_result
proxy_parse(struct slice bytes, struct proxy *out)
{
	struct proxy proxy = {.told = false};
	enum proxy_result result = PROXY_INVALID;
	if (bytes.len == 0)
		return PROXY_MORE;
	if (begins(bytes, v1_start, V1_START))
		result = bytes.len > V1_START ? parse_v1(bytes, &proxy) : PROXY_MORE;
	else if (begins(bytes, v2_start, V2_START))
		result = parse_v2(bytes, &proxy);
	if (result == PROXY_OK)
		*out = proxy;
	return result;
}
