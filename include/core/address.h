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

/*
 * A client on this machine, who came through a socket in the file system: it is its user.  Of multicast addresses, which
 * nobody can send from.
 */
struct address address_from_uid(uint32_t uid);
bool address_is_uid(const struct address *address);

/* Reads what address_format() writes.  False where it is neither; *out is unchanged then. */
bool address_parse(const char *text, struct address *out);

bool address_is_ipv4(const struct address *address);

/* Whether a client of TCP can have it: it is neither :: nor a multicast address of IPv6. */
bool address_is_ip(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* The address with all bits behind the prefix cleared; IPv4 and users stay whole.  0 <= prefix <= 128. */
struct address address_prefix(const struct address *address, unsigned prefix_bits);

/* 192.0.2.7, 2001:db8::1 or uid:1000; returns text. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

#endif
