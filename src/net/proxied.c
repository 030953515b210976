/* SPDX-License-Identifier: ISC */
/* Reads the header.  What follows it may be anything, TLS too: not a byte of that is taken. */
#include "net/proxied.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"

/* Waits for bytes; false at the end of the time. */
static bool
wait_readable(int fd, int64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};
	for (;;) {
		int64_t left_ms = deadline_ms - clock_mono_ms();
		if (left_ms <= 0)
			return false;
		int ready = poll(&pollfd, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

/* Takes bytes that were looked at off the socket. */
static bool
take(int fd, char *seen, size_t len)
{
	ssize_t n;
	do
		n = recv(fd, seen, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

/*
 * Bytes are looked at first.  Those of a header that goes on are taken, or they would wake us again and again; of
 * the last ones, only those that are the header's.
 */
enum proxied
proxied_read(const struct stream *stream, int64_t deadline_ms, struct proxy *proxy)
{
	char header[PROXY_MAX];
	size_t len = 0;
	while (wait_readable(stream->fd, deadline_ms)) {
		ssize_t n = recv(
			stream->fd, header + len, sizeof header - len, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return len == 0 ? PROXIED_GONE : PROXIED_FAILED;
		size_t seen = len + (size_t)n;
		enum proxy_result result = proxy_parse((struct slice){header, seen}, proxy);
		if (result == PROXY_INVALID)
			return PROXIED_FAILED;
		size_t mine = result == PROXY_OK ? proxy->consumed : seen;
		if (!take(stream->fd, header + len, mine - len))
			return PROXIED_FAILED;
		if (result == PROXY_OK)
			return PROXIED_TOLD;
		len = mine;
	}
	return PROXIED_FAILED;
}
