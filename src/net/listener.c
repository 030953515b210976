/* SPDX-License-Identifier: ISC */
/* Binds the listening sockets, or takes those that are open. */
#include "net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
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

/* One that is bound elsewhere than in the file system can only be passed. */
static void
name_local(struct listener *listener, const struct sockaddr_storage *bound, socklen_t len)
{
	struct sockaddr_un local = {0};
	memcpy(&local, bound, len < sizeof local ? len : sizeof local);
	bool abstract = local.sun_path[0] == '\0';
	snprintf(listener->name, sizeof listener->name, "unix:%s%.*s", abstract ? "@" : "",
		(int)sizeof local.sun_path - 1, local.sun_path + abstract);
}

void
listener_name(struct listener *listener)
{
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof bound;
	char host[INET6_ADDRSTRLEN] = "?";
	char port[8] = "?";
	getsockname(listener->fd, (struct sockaddr *)&bound, &len);
	if (bound.ss_family == AF_UNIX) {
		name_local(listener, &bound, len);
		return;
	}
	getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
		NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(listener->name, sizeof listener->name,
		bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int
listener_add(struct listener_set *set, const struct listener *listener)
{
	struct listener *items = reallocarray(set->items, set->count + 1, sizeof *items);
	if (items == NULL)
		return -1;
	set->items = items;
	items[set->count++] = *listener;
	return 0;
}

/* Adds one that was passed, which somebody else may not have for another endpoint already. */
static int
add_passed(struct listener_set *set, const struct listener *passed, struct listener listener,
	int backlog)
{
	if (listener_is_in(set, passed)) {
		errno = EADDRINUSE;
		return -1;
	}
	listener.fd = passed->fd;
	listener.passed = true;
	listen(listener.fd, backlog);
	listener_name(&listener);
	return listener_add(set, &listener);
}

/* The passed socket that is bound to the address, or NULL. */
static const struct listener *
find_passed(const struct listener_set *passed, const struct addrinfo *address)
{
	for (size_t i = 0; i < passed->count; i++) {
		struct sockaddr_storage bound = {0};
		socklen_t len = sizeof bound;
		if (getsockname(passed->items[i].fd, (struct sockaddr *)&bound, &len) == 0 &&
			len == address->ai_addrlen && memcmp(&bound, address->ai_addr, len) == 0)
			return &passed->items[i];
	}
	return NULL;
}

/* `listener` says what for. */
static int
add_address(struct listener_set *set, const struct listener_request *request,
	const struct addrinfo *address, struct listener listener)
{
	const struct listener *passed = find_passed(request->passed, address);
	if (passed != NULL)
		return add_passed(set, passed, listener, request->backlog);
	listener.fd = bind_address(address, request->backlog);
	if (listener.fd < 0)
		return -1;
	listener_name(&listener);
	if (listener_add(set, &listener) == 0)
		return 0;
	close(listener.fd);
	return -1;
}

static void
tell(struct buf *errors, const struct endpoint *endpoint, const char *reason)
{
	char name[ENDPOINT_TEXT_MAX];
	int saved = errno;
	buf_printf(errors, "cannot listen on %s: %s\n", endpoint_format(endpoint, name), reason);
	errno = saved;
}

/* These three add all sockets of one endpoint: 0, or -1 with the failures told and errno set. */

static int
add_addresses(struct listener_set *set, const struct listener_request *request,
	const struct listener *wanted, struct buf *errors)
{
	char port[8];
	snprintf(port, sizeof port, "%u", wanted->listen.endpoint.port);
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *addresses;
	int failure = getaddrinfo(wanted->listen.endpoint.host, port, &hints, &addresses);
	if (failure != 0) {
		errno = failure == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
		tell(errors, &wanted->listen.endpoint, gai_strerror(failure));
		return -1;
	}
	int error = 0;
	for (const struct addrinfo *address = addresses; address != NULL;
		address = address->ai_next) {
		if (add_address(set, request, address, *wanted) < 0) {
			error = errno;
			tell(errors, &wanted->listen.endpoint, strerror(error));
		}
	}
	freeaddrinfo(addresses);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
add_named(struct listener_set *set, const struct listener_request *request,
	const struct listener *wanted, struct buf *errors)
{
	size_t before = set->count;
	int error = 0;
	for (size_t i = 0; i < request->passed->count; i++) {
		const struct listener *passed = &request->passed->items[i];
		if (strcmp(passed->listen.endpoint.host, wanted->listen.endpoint.host) == 0 &&
			add_passed(set, passed, *wanted, request->backlog) < 0) {
			error = errno;
			tell(errors, &wanted->listen.endpoint, strerror(error));
		}
	}
	if (error == 0 && set->count == before) {
		error = EINVAL;
		tell(errors, &wanted->listen.endpoint, "no socket of that name was passed");
	}
	errno = error;
	return error == 0 ? 0 : -1;
}

/* The passed socket that is bound there, or NULL. */
static const struct listener *
find_passed_local(const struct listener_set *passed, const char *path)
{
	for (size_t i = 0; i < passed->count; i++) {
		struct sockaddr_un bound = {0};
		socklen_t len = sizeof bound;
		if (getsockname(passed->items[i].fd, (struct sockaddr *)&bound, &len) == 0 &&
			bound.sun_family == AF_UNIX &&
			strncmp(bound.sun_path, path, sizeof bound.sun_path) == 0)
			return &passed->items[i];
	}
	return NULL;
}

/* 0, or -1 with errno. */
static int
add_local_path(struct listener_set *set, const struct listener_request *request,
	const struct listener *wanted, const char *path)
{
	struct listener listener = *wanted;
	const struct listener *passed = find_passed_local(request->passed, path);
	if (passed != NULL)
		return add_passed(set, passed, listener, request->backlog);
	endpoint_format(&wanted->listen.endpoint, listener.name);
	listener.fd = local_listen(
		path, wanted->listen.mode, request->owner, request->backlog, &listener.file);
	if (listener.fd >= 0 && listener_add(set, &listener) == 0)
		return 0;
	int saved = errno;
	if (listener.fd >= 0) {
		local_remove(path, &listener.file);
		close(listener.fd);
	}
	errno = saved;
	return -1;
}

static int
add_local(struct listener_set *set, const struct listener_request *request,
	const struct listener *wanted, struct buf *errors)
{
	const char *path = endpoint_local_path(&wanted->listen.endpoint);
	if (add_local_path(set, request, wanted, path) == 0)
		return 0;
	tell(errors, &wanted->listen.endpoint, strerror(errno));
	return -1;
}
static int
add_endpoint(struct listener_set *set, const struct listener_request *request,
	const struct listener *wanted, struct buf *errors)
{
	if (endpoint_local_path(&wanted->listen.endpoint) != NULL)
		return add_local(set, request, wanted, errors);
	return endpoint_passed_name(&wanted->listen.endpoint) != NULL
	               ? add_named(set, request, wanted, errors)
	               : add_addresses(set, request, wanted, errors);
}

static bool
is_for(const struct listener *listener, const struct listener *wanted)
{
	return listener->occurrence == wanted->occurrence &&
	       listener->listen.endpoint.port == wanted->listen.endpoint.port &&
	       strcmp(listener->listen.endpoint.host, wanted->listen.endpoint.host) == 0;
}

/* Whether clients can reach it: the file of a local one may have been removed. */
static bool
is_reachable(const struct listener *listener)
{
	const char *path = endpoint_local_path(&listener->listen.endpoint);
	return path == NULL || listener->passed || local_stands(path, &listener->file);
}

bool
listener_is_cut_off(const struct listener_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!is_reachable(&set->items[i]))
			return true;
	}
	return false;
}

/*
 * Takes over what is open for the endpoint, unless another one has got it: one that was passed may have been open by its
 * name, and be wanted by its address as well.  How many sockets, or -1 with errno.
 */
static int
take_over(struct listener_set *set, const struct listener_set *old, const struct listener *wanted,
	int backlog)
{
	int count = 0;
	for (size_t i = 0; i < old->count; i++) {
		if (!is_for(&old->items[i], wanted) || !is_reachable(&old->items[i]) ||
			listener_is_in(set, &old->items[i]))
			continue;
		struct listener listener = old->items[i];
		listener.listen = wanted->listen;
		if (listener_add(set, &listener) < 0)
			return -1;
		listen(old->items[i].fd, backlog);
		count++;
	}
	return count;
}

/* How many of the endpoints before this one are the same. */
static size_t
occurrence_of(const struct listen *listens, size_t index)
{
	const struct endpoint *wanted = &listens[index].endpoint;
	size_t count = 0;
	for (size_t i = 0; i < index; i++)
		count += listens[i].endpoint.port == wanted->port &&
		         strcmp(listens[i].endpoint.host, wanted->host) == 0;
	return count;
}

/* 0, or the errno of one that nobody would serve. */
static int
check_passed(const struct listener_set *set, const struct listener_set *passed, struct buf *errors)
{
	int error = 0;
	for (size_t i = 0; i < passed->count; i++) {
		const struct listener *socket = &passed->items[i];
		if (listener_is_in(set, socket))
			continue;
		error = EINVAL;
		buf_printf(errors,
			"%s is passed by the service manager and in no Listen directive: "
			"write Listen %s\n",
			socket->name, socket->listen.endpoint.host);
	}
	return error;
}

/* 0, or the errno of a local one that is to be behind a balancer: that one was passed, by its name alone. */
static int
check_proxied(const struct listener_set *set, struct buf *errors)
{
	int error = 0;
	for (size_t i = 0; i < set->count; i++) {
		const struct listener *socket = &set->items[i];
		/* What listener_name() makes of its address. */
		if ((socket->listen.options & LISTEN_PROXY) == 0 ||
			strncmp(socket->name, "unix:", 5) != 0)
			continue;
		error = EINVAL;
		tell(errors, &socket->listen.endpoint,
			"a unix socket takes no proxy, who connects there has no address that "
			"ProxyTrusted could name");
	}
	return error;
}

int
listener_open(struct listener_set *set, const struct listener_request *request, struct buf *errors)
{
	static const struct listener_set none;
	struct listener_request all = *request;
	int failure = 0;
	all.old = request->old == NULL ? &none : request->old;
	all.passed = request->passed == NULL ? &none : request->passed;
	*set = (struct listener_set){0};
	for (size_t i = 0; i < all.count; i++) {
		const struct listener wanted = {
			.listen = all.listens[i], .occurrence = occurrence_of(all.listens, i)};
		int taken = take_over(set, all.old, &wanted, all.backlog);
		if (taken < 0 || (taken == 0 && add_endpoint(set, &all, &wanted, errors) < 0))
			failure = errno;
	}
	if (failure == 0)
		failure = check_passed(set, all.passed, errors);
	if (failure == 0)
		failure = check_proxied(set, errors);
	if (failure == 0)
		return 0;
	listener_abandon(set, all.old);
	errno = failure;
	return -1;
}

size_t
listener_waiting(int fd)
{
	struct pollfd waiting = {.fd = fd, .events = POLLIN};
	/* Of a socket that listens the kernel tells the length of its accept queue there. */
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		return info.tcpi_unacked;
	return poll(&waiting, 1, 0) > 0 ? LISTENER_UNTOLD : 0;
}

bool
listener_is_in(const struct listener_set *set, const struct listener *listener)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].fd == listener->fd)
			return true;
	}
	return false;
}

void
listener_abandon(struct listener_set *set, const struct listener_set *old)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct listener *listener = &set->items[i];
		const char *path = endpoint_local_path(&listener->listen.endpoint);
		if (listener_is_in(old, listener))
			continue;
		if (path != NULL && !listener->passed)
			local_remove(path, &listener->file);
		close(listener->fd);
	}
	free(set->items);
	*set = (struct listener_set){0};
}

/* Files that stay where they are, but for others than before. */
static void
change_modes(const struct listener_set *set, const struct listener_set *next)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct listener *listener = &next->items[i];
		const char *path = endpoint_local_path(&listener->listen.endpoint);
		/* One whose file somebody has taken away is bound anew by the next reload. */
		if (path != NULL && !listener->passed && listener_is_in(set, listener))
			(void)local_set_mode(path, listener->listen.mode, &listener->file);
	}
}

void
listener_switch(struct listener_set *set, struct listener_set *next)
{
	change_modes(set, next);
	listener_abandon(set, next);
	*set = *next;
	*next = (struct listener_set){0};
}

void
listener_close(struct listener_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		close(set->items[i].fd);
	free(set->items);
	*set = (struct listener_set){0};
}
