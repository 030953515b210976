/* SPDX-License-Identifier: ISC */
/*
 * Addresses as sixteen bytes.  IPv4 is kept as IPv4-mapped IPv6, so that a client is the same
 * behind an IPv4 and behind a dual-stack socket.
 */
#include "core/address.h"

#include <arpa/inet.h>
#include <string.h>

enum { ADDRESS_BITS = 128, MAPPED_BYTES = 12 };

static const uint8_t mapped_prefix[MAPPED_BYTES] = {[10] = 0xff, [11] = 0xff};

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

bool
address_is_ipv4(const struct address *address)
{
	return memcmp(address->bytes, mapped_prefix, MAPPED_BYTES) == 0;
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
	if (address_is_ipv4(address) || prefix_bits >= ADDRESS_BITS)
		return prefix;
	unsigned whole = prefix_bits / 8;
	prefix.bytes[whole] &= (uint8_t)(0xff00U >> (prefix_bits % 8));
	memset(prefix.bytes + whole + 1, 0, sizeof prefix.bytes - whole - 1);
	return prefix;
}

const char *
address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
	/* Neither call can fail: the families are known and the room is enough. */
	if (address_is_ipv4(address))
		return inet_ntop(AF_INET, address->bytes + MAPPED_BYTES, text, ADDRESS_TEXT_MAX);
	return inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_MAX);
}
