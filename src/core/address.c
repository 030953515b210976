/* SPDX-License-Identifier: ISC */
/*
 * Addresses as sixteen bytes.  IPv4 is kept as IPv4-mapped IPv6, so that a client is the same
 * behind an IPv4 and behind a dual-stack socket.
 */
#include "core/address.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BYTES = 12, UID_BYTES = 4, UID_DIGITS = 10 };

static const uint8_t mapped_prefix[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};
static const uint8_t uid_prefix[MAPPED_BYTES] = {0xff, 0x00, 'u', 'i', 'd'};
static const char uid_name[] = "uid:";

struct address
address_from_sockaddr(const struct sockaddr *sa)
{
	struct address address = {{0}};
	/* Copied out: the caller's storage need not have been declared as either type. */
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof in);
		memcpy(address.bytes, mapped_prefix, MAPPED_BYTES);
		memcpy(address.bytes + MAPPED_BYTES, &in.sin_addr, sizeof in.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof in6);
		memcpy(address.bytes, &in6.sin6_addr, sizeof address.bytes);
	}
	return address;
}

struct address
address_from_uid(uint32_t uid)
{
	struct address address = {{0}};
	memcpy(address.bytes, uid_prefix, MAPPED_BYTES);
	for (int i = 0; i < UID_BYTES; i++)
		address.bytes[MAPPED_BYTES + i] = (uint8_t)(uid >> 8 * (UID_BYTES - 1 - i));
	return address;
}

bool
address_is_uid(const struct address *address)
{
	return memcmp(address->bytes, uid_prefix, MAPPED_BYTES) == 0;
}

static uint32_t
uid_of(const struct address *address)
{
	uint32_t uid = 0;
	for (int i = 0; i < UID_BYTES; i++)
		uid = uid << 8 | address->bytes[MAPPED_BYTES + i];
	return uid;
}

static bool
parse_uid(const char *digits, struct address *out)
{
	uint64_t uid = 0;
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || len > UID_DIGITS || digits[len] != '\0')
		return false;
	for (size_t i = 0; i < len; i++)
		uid = uid * 10 + (uint64_t)(digits[i] - '0');
	if (uid > UINT32_MAX)
		return false;
	*out = address_from_uid((uint32_t)uid);
	return true;
}

bool
address_parse(const char *text, struct address *out)
{
	struct address address;
	if (strncmp(text, uid_name, sizeof uid_name - 1) == 0)
		return parse_uid(text + sizeof uid_name - 1, out);
	memcpy(address.bytes, mapped_prefix, MAPPED_BYTES);
	if (inet_pton(AF_INET, text, address.bytes + MAPPED_BYTES) != 1 &&
		inet_pton(AF_INET6, text, address.bytes) != 1)
		return false;
	*out = address;
	return true;
}

bool
address_is_ipv4(const struct address *address)
{
	return memcmp(address->bytes, mapped_prefix, MAPPED_BYTES) == 0;
}

bool
address_is_ip(const struct address *address)
{
	static const struct address none = {{0}};
	return address->bytes[0] != 0xff && !address_equal(address, &none);
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct address
address_prefix(const struct address *address, unsigned prefix_bits)
{
	struct address prefix = *address;
	if (address_is_ipv4(address) || address_is_uid(address) || prefix_bits >= ADDRESS_BITS)
		return prefix;
	unsigned whole = prefix_bits / 8;
	prefix.bytes[whole] &= (uint8_t)(0xff00U >> (prefix_bits % 8));
	memset(prefix.bytes + whole + 1, 0, sizeof prefix.bytes - whole - 1);
	return prefix;
}

const char *
address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
	if (address_is_uid(address)) {
		snprintf(text, ADDRESS_TEXT_MAX, "%s%" PRIu32, uid_name, uid_of(address));
		return text;
	}
	/* Neither call can fail: the families are known and the room is enough. */
	if (address_is_ipv4(address))
		return inet_ntop(AF_INET, address->bytes + MAPPED_BYTES, text, ADDRESS_TEXT_MAX);
	return inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_MAX);
}
