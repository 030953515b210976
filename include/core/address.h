/* SPDX-License-Identifier: ISC */
/*
 * A client's address, as the limiter counts it and as the log shows it.  Sixteen bytes, IPv4 as
 * an IPv4-mapped IPv6 address, so that one client is one value whichever socket it
 * came through.  Pure, thread-safe.
 */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	uint8_t bytes[16];
};

enum { ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN };

/* AF_INET or AF_INET6; any other family gives ::. */
struct address address_from_sockaddr(const struct sockaddr *sa);

bool address_is_ipv4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);

/* The address with all bits behind the prefix cleared; IPv4 stays whole.  0 <= prefix <= 128. */
struct address address_prefix(const struct address *address, unsigned prefix_bits);

/* 192.0.2.7 or 2001:db8::1; returns text. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

#endif
