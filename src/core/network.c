/* SPDX-License-Identifier: ISC */
/* An IPv4 block is a block of IPv4-mapped addresses, so there is one comparison for both. */
#include "core/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 128, IPV4_BITS = 32, MAPPED_BITS = BITS - IPV4_BITS };

static const char no_address[] =
	"no address, write one as in 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32";
static const char no_bits[] =
	"no number of bits, from 0 to 32 for IPv4 and to 128 for IPv6, as in 10.0.0.0/8";

/* 0, or -1. */
static int
parse_address(const char *text, struct address *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		*address = address_from_sockaddr((const struct sockaddr *)&in);
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		*address = address_from_sockaddr((const struct sockaddr *)&in6);
	else
		return -1;
	return 0;
}

/* The number of bits that the text asks for, or -1. */
static long
parse_bits(const char *text, long most)
{
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -1;
	long bits = strtol(text, NULL, 10);
	return bits <= most ? bits : -1;
}

static void
clear_behind(struct address *address, long bits)
{
	for (long i = 0; i < (long)sizeof address->bytes; i++) {
		long kept = bits - 8 * i;
		if (kept <= 0)
			address->bytes[i] = 0;
		else if (kept < 8)
			address->bytes[i] &= (uint8_t)(0xff00U >> kept);
	}
}

const char *
network_parse(struct slice text, struct network *out)
{
	char copy[NETWORK_TEXT_MAX];
	struct network network;
	if (text.len >= sizeof copy || memchr(text.data, '\0', text.len) != NULL)
		return no_address;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	char *slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (parse_address(copy, &network.address) < 0)
		return no_address;
	bool ipv4 = strchr(copy, ':') == NULL;
	long most = ipv4 ? IPV4_BITS : BITS;
	long bits = slash == NULL ? most : parse_bits(slash + 1, most);
	if (bits < 0)
		return no_bits;
	network.bits = (int32_t)(ipv4 ? MAPPED_BITS + bits : bits);
	clear_behind(&network.address, network.bits);
	*out = network;
	return NULL;
}

bool
network_contains(const struct network *network, const struct address *address)
{
	struct address front = *address;
	if (address_is_uid(address))
		return false;
	clear_behind(&front, network->bits);
	return address_equal(&front, &network->address);
}

const char *
network_format(const struct network *network, char text[static NETWORK_TEXT_MAX])
{
	bool ipv4 = network->bits >= MAPPED_BITS && address_is_ipv4(&network->address);
	char address[ADDRESS_TEXT_MAX];
	address_format(&network->address, address);
	/* Fewer bits than make it IPv4: in the form of IPv6, or it would be another block. */
	if (!ipv4 && address_is_ipv4(&network->address))
		inet_ntop(AF_INET6, network->address.bytes, address, sizeof address);
	if (network->bits == BITS)
		snprintf(text, NETWORK_TEXT_MAX, "%s", address);
	else
		snprintf(text, NETWORK_TEXT_MAX, "%s/%d", address,
			(int)(ipv4 ? network->bits - MAPPED_BITS : network->bits));
	return text;
}
