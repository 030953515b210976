/* SPDX-License-Identifier: ISC */
/* Accepts clients, and refuses them politely. */
#include "serve/door.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/reply.h"

enum {
	LINGER_MS = 1000,
	TICK_MS = 50,
	PAUSE_MS = 50,
};

static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int
door_open(struct door *door)
{
	*door = (struct door){.reserve = open_reserve()};
	return door->reserve < 0 ? -1 : 0;
}

void
door_close(struct door *door)
{
	for (size_t i = 0; i < door->lingering_count; i++)
		close(door->lingering[i].fd);
	door->lingering_count = 0;
	if (door->reserve >= 0)
		close(door->reserve);
	door->reserve = -1;
}

/* Forgets what the client has sent; true when it has finished. */
static bool
discard(int fd)
{
	char scrap[4096];
	ssize_t n;
	int rounds = 16; /* a flood must not hold the accepting thread */
	do
		n = recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
	while (n > 0 && --rounds > 0);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void
say(int fd, uint32_t options, struct slice reason)
{
	/* Nothing in clear where TLS is expected: the end has to do. */
	if ((options & (LISTEN_NOACK | LISTEN_TLS)) == 0)
		send(fd, reason.data, reason.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
}

static void
drop_lingering(struct door *door, size_t i)
{
	close(door->lingering[i].fd);
	door->lingering[i] = door->lingering[--door->lingering_count];
}

static size_t
oldest_lingering(const struct door *door)
{
	size_t oldest = 0;
	for (size_t i = 1; i < door->lingering_count; i++) {
		if (door->lingering[i].until_ms < door->lingering[oldest].until_ms)
			oldest = i;
	}
	return oldest;
}

void
door_refuse(struct door *door, const struct arrival *arrival, struct slice reason, int64_t now_ms)
{
	int fd = arrival->fd;
	say(fd, arrival->options, reason);
	if (discard(fd)) {
		close(fd);
		return;
	}
	if (door->lingering_count == DOOR_LINGERING_MAX)
		drop_lingering(door, oldest_lingering(door));
	size_t i = door->lingering_count++;
	door->lingering[i].fd = fd;
	door->lingering[i].until_ms = now_ms + LINGER_MS;
}

int
door_tick(struct door *door, int64_t now_ms)
{
	for (size_t i = door->lingering_count; i-- > 0;) {
		if (discard(door->lingering[i].fd) || door->lingering[i].until_ms <= now_ms)
			drop_lingering(door, i);
	}
	if (door->reserve < 0)
		door->reserve = open_reserve();
	return door->lingering_count > 0 || door->paused_until_ms > now_ms ? TICK_MS : -1;
}

/* There is no descriptor: uses the one held back to tell the client. */
static enum door_result
refuse_with_reserve(struct door *door, const struct listener *listener, int64_t now_ms)
{
	if (door->lingering_count > 0)
		drop_lingering(door, oldest_lingering(door));
	if (door->reserve >= 0)
		close(door->reserve);
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		say(fd, listener->listen.options, reply_busy());
		discard(fd);
		close(fd);
	}
	door->reserve = open_reserve();
	if (fd < 0 && errno != EAGAIN)
		door->paused_until_ms = now_ms + PAUSE_MS;
	return fd < 0 ? DOOR_NONE : DOOR_REFUSED;
}

/* A client that came through the file system is known by its user, as the kernel noted it when it connected. */
static struct address
address_of(int fd, const struct sockaddr_storage *peer)
{
	struct ucred user = {.uid = (uid_t)-1};
	socklen_t len = sizeof user;
	if (peer->ss_family != AF_UNIX)
		return address_from_sockaddr((const struct sockaddr *)peer);
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len);
	return address_from_uid(user.uid);
}

enum door_result
door_accept(
	struct door *door, const struct listener *listener, struct arrival *arrival, int64_t now_ms)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof peer;
	if (door->paused_until_ms > now_ms)
		return DOOR_NONE;
	int fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	if (fd >= 0) {
		*arrival = (struct arrival){.fd = fd,
			.address = address_of(fd, &peer),
			.options = listener->listen.options};
		return DOOR_CLIENT;
	}
	if (errno == EMFILE || errno == ENFILE)
		return refuse_with_reserve(door, listener, now_ms);
	if (errno == ENOMEM || errno == ENOBUFS)
		door->paused_until_ms = now_ms + PAUSE_MS;
	return DOOR_NONE;
}
