/* SPDX-License-Identifier: ISC */
/* Binds the listening sockets. */
#include "net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static void
set_flag(int fd, int level, int option)
{
	int on = 1;
	setsockopt(fd, level, option, &on, sizeof on);
}

/* An IPv4 address in IPv6 clothes, which an IPv6-only socket cannot have. */
static bool
is_mapped(const struct addrinfo *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)
	                                         address->ai_addr;
	return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

static int
bind_address(const struct addrinfo *address, int backlog)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
	if (address->ai_family == AF_INET6 && !is_mapped(address))
		set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, backlog) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* The numeric address with the port that the kernel chose. */
static void
name_listener(struct listener *listener)
{
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof bound;
	char host[INET6_ADDRSTRLEN] = "?";
	char port[8] = "?";
	getsockname(listener->fd, (struct sockaddr *)&bound, &len);
	getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(listener->name, sizeof listener->name,
		bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static int
add_listener(struct listener_set *set, int fd)
{
	struct listener *items = reallocarray(set->items, set->count + 1, sizeof *items);
	if (items == NULL) {
		close(fd);
		return -1;
	}
	set->items = items;
	struct listener *listener = &items[set->count++];
	listener->fd = fd;
	name_listener(listener);
	return 0;
}

/* Binds all addresses of one endpoint.  0, or -1 with the failures told and errno set. */
static int
open_endpoint(
	struct listener_set *set, const struct endpoint *endpoint, int backlog, struct buf *errors)
{
	char name[ENDPOINT_TEXT_MAX];
	char port[8];
	snprintf(port, sizeof port, "%u", endpoint->port);
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *addresses;
	int failure = getaddrinfo(endpoint->host, port, &hints, &addresses);
	if (failure != 0) {
		int saved = failure == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
		buf_printf(errors, "cannot listen on %s: %s\n", endpoint_format(endpoint, name),
			gai_strerror(failure));
		errno = saved;
		return -1;
	}
	int result = 0;
	for (const struct addrinfo *address = addresses; address != NULL;
		address = address->ai_next) {
		int fd = bind_address(address, backlog);
		if (fd < 0 || add_listener(set, fd) < 0) {
			int saved = errno;
			buf_printf(errors, "cannot listen on %s: %s\n",
				endpoint_format(endpoint, name), strerror(saved));
			errno = saved;
			result = -1;
		}
	}
	int saved = errno;
	freeaddrinfo(addresses);
	errno = saved;
	return result;
}

int
listener_open(struct listener_set *set, const struct endpoint *endpoints, size_t count, int backlog,
	struct buf *errors)
{
	int failure = 0;
	*set = (struct listener_set){0};
	for (size_t i = 0; i < count; i++) {
		if (open_endpoint(set, &endpoints[i], backlog, errors) < 0)
			failure = errno;
	}
	if (failure == 0)
		return 0;
	listener_close(set);
	errno = failure;
	return -1;
}

void
listener_close(struct listener_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		close(set->items[i].fd);
	free(set->items);
	*set = (struct listener_set){0};
}
