/* SPDX-License-Identifier: ISC */
/* The plain TCP stream. */
#include "net/stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINGER_POLL_MS = 10 };

void
stream_init(struct stream *stream, int fd)
{
	int on = 1;
	*stream = (struct stream){.fd = fd};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void
set_timeout(int fd, int option, int64_t *known_ms, int64_t ms)
{
	if (*known_ms == ms)
		return;
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout);
	*known_ms = ms;
}

void
stream_set_read_timeout(struct stream *stream, int64_t ms)
{
	set_timeout(stream->fd, SO_RCVTIMEO, &stream->read_timeout_ms, ms);
}

void
stream_set_write_timeout(struct stream *stream, int64_t ms)
{
	set_timeout(stream->fd, SO_SNDTIMEO, &stream->write_timeout_ms, ms);
}

ssize_t
stream_read(struct stream *stream, char *room, size_t size)
{
	ssize_t n;
	do
		n = recv(stream->fd, room, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

int
stream_write(struct stream *stream, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(stream->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes.data += n;
		bytes.len -= (size_t)n;
	}
	return 0;
}

size_t
stream_pending(const struct stream *stream)
{
	int bytes = 0;
	return ioctl(stream->fd, SIOCINQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

/* Bytes that the client has not yet acknowledged. */
static size_t
unacknowledged(const struct stream *stream)
{
	int bytes = 0;
	return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

bool
stream_peer_finished(const struct stream *stream)
{
	struct tcp_info info;
	socklen_t len = sizeof info;
	if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return true;
	return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 &&
	       info.tcpi_state != TCP_FIN_WAIT2;
}

void
stream_stop_reading(const struct stream *stream)
{
	shutdown(stream->fd, SHUT_RD);
}

/*
 * Reads and forgets until the client's kernel has all answers, or has taken in nothing for a while.
 * Reading may be at its end already (stream_stop_reading) while the client still sends, hence
 * the waiting by poll.
 */
static void
discard_rest(struct stream *stream, int64_t linger_ms)
{
	char scrap[4096];
	struct pollfd hangup = {.fd = stream->fd};
	size_t left, least = SIZE_MAX;
	int64_t deadline = 0;
	while ((left = unacknowledged(stream)) > 0) {
		int64_t now_ms = clock_mono_ms();
		if (left < least) {
			least = left;
			deadline = now_ms + linger_ms;
		}
		if (now_ms >= deadline)
			return;
		ssize_t n = recv(stream->fd, scrap, sizeof scrap, MSG_DONTWAIT);
		if (n > 0)
			continue;
		if ((n < 0 && errno != EAGAIN && errno != EINTR) || stream_peer_finished(stream))
			return;
		poll(&hangup, 1, LINGER_POLL_MS);
	}
}

void
stream_close(struct stream *stream, int64_t linger_ms)
{
	/* No FIN before that: after one, a kernel that no longer reads answers further bytes with a reset. */
	discard_rest(stream, linger_ms);
	close(stream->fd);
	stream->fd = -1;
}

void
stream_abort(struct stream *stream)
{
	struct linger none = {.l_onoff = 1};
	setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(stream->fd);
	stream->fd = -1;
}
