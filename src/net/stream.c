/* SPDX-License-Identifier: ISC */
/*
 * The plain stream; where there is TLS, net/tls_io stands in front of it.  Through the file system the kernel delivers at once:
 * what was sent stands in the client's own queue and outlives the connection, and TCP's options and states are not there.
 */
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
#include "net/tls_io.h"

enum {
	LINGER_POLL_MS = 10,
	STALL_LOOKS = 8, /* how often a write that waits looks for progress within its time limit */
};

static bool
is_local(int fd)
{
	int domain = 0;
	socklen_t len = sizeof domain;
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

void
stream_init(struct stream *stream, int fd)
{
	int on = 1;
	*stream = (struct stream){.fd = fd, .local = is_local(fd)};
	if (stream->local)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	/* Else the kernel would take a byte sent as urgent out of the line: perhaps its newline. */
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

static void
set_timeout(int fd, int option, int64_t ms)
{
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof timeout);
}

void
stream_set_read_timeout(struct stream *stream, int64_t ms)
{
	if (stream->read_timeout_ms == ms)
		return;
	set_timeout(stream->fd, SO_RCVTIMEO, ms);
	stream->read_timeout_ms = ms;
}

void
stream_set_write_timeout(struct stream *stream, int64_t ms)
{
	if (stream->write_timeout_ms == ms)
		return;
	set_timeout(stream->fd, SO_SNDTIMEO, (ms + STALL_LOOKS - 1) / STALL_LOOKS);
	stream->write_timeout_ms = ms;
}

ssize_t
stream_receive(struct stream *stream, char *room, size_t size, int flags)
{
	ssize_t n;
	if (stream->draining && size > stream->drain_bytes)
		size = stream->drain_bytes;
	if (size == 0)
		return 0;
	do
		n = recv(stream->fd, room, size, flags);
	while (n < 0 && errno == EINTR);
	if (stream->draining && n > 0)
		stream->drain_bytes -= (size_t)n;
	return n;
}

ssize_t
stream_read(struct stream *stream, char *room, size_t size)
{
	if (stream->tls != NULL)
		return tls_io_read(stream, room, size);
	return stream_receive(stream, room, size, 0);
}

/* How many bytes have arrived and wait to be read. */
static size_t
pending(const struct stream *stream)
{
	int bytes = 0;
	return ioctl(stream->fd, SIOCINQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

void
stream_drain(struct stream *stream)
{
	stream->draining = true;
	stream->drain_bytes = pending(stream);
}

/* Bytes that the client has not yet acknowledged. */
static size_t
unacknowledged(const struct stream *stream)
{
	int bytes = 0;
	return ioctl(stream->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

/*
 * A client that takes in nothing.  The kernel's limit alone would be late: a send that has begun before
 * the stall ends well, with what went before it, and the next one waits anew.
 */
struct stall {
	size_t least; /* bytes that the client has not taken in */
	int64_t deadline_ms;
};

static bool
has_stalled(const struct stream *stream, size_t unsent, struct stall *stall)
{
	size_t left = unsent + unacknowledged(stream);
	int64_t now_ms = clock_mono_ms();
	if (left >= stall->least)
		return now_ms >= stall->deadline_ms;
	*stall = (struct stall){.least = left, .deadline_ms = now_ms + stream->write_timeout_ms};
	return false;
}

int
stream_send(struct stream *stream, struct slice bytes)
{
	struct stall stall = {.least = SIZE_MAX};
	while (bytes.len > 0) {
		ssize_t n = send(stream->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes.data += n;
			bytes.len -= (size_t)n;
			/* There is room only where the client has read; what it has not is told with the kernel's own memory. */
			if (stream->local)
				stall.least = SIZE_MAX;
		}
		if (bytes.len > 0 && stream->write_timeout_ms > 0 &&
			has_stalled(stream, bytes.len, &stall)) {
			errno = EAGAIN;
			return -1;
		}
	}
	return 0;
}

int
stream_write(struct stream *stream, struct slice bytes)
{
	if (stream->tls != NULL)
		return tls_io_write(stream, bytes);
	return stream_send(stream, bytes);
}

/* Of a local stream: what the kernel says of a half that is shut does not tell by whom, hence `stopped`. */
static bool
is_shut(const struct stream *stream)
{
	struct pollfd half = {.fd = stream->fd, .events = POLLRDHUP};
	return poll(&half, 1, 0) > 0 && (half.revents & (POLLRDHUP | POLLHUP)) != 0;
}

/* Whether the client's kernel has sent its FIN. */
static bool
peer_finished(const struct stream *stream)
{
	if (stream->local)
		return !stream->stopped && is_shut(stream);
	struct tcp_info info;
	socklen_t len = sizeof info;
	if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return true;
	return info.tcpi_state != TCP_ESTABLISHED && info.tcpi_state != TCP_FIN_WAIT1 &&
	       info.tcpi_state != TCP_FIN_WAIT2;
}

bool
stream_is_complete(const struct stream *stream)
{
	if (stream->tls != NULL)
		return tls_io_peer_finished(stream->tls);
	return peer_finished(stream) && pending(stream) == 0;
}

void
stream_stop_reading(struct stream *stream)
{
	if (stream->local && !is_shut(stream))
		stream->stopped = true;
	shutdown(stream->fd, SHUT_RD);
}

/* Closing with bytes unread would be told to the client as an error, behind the answers: there are none left, nor come any. */
static void
discard_local(const struct stream *stream)
{
	char scrap[4096];
	ssize_t n;
	shutdown(stream->fd, SHUT_RD);
	do
		n = recv(stream->fd, scrap, sizeof scrap, MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == EINTR));
}

/*
 * Reads and forgets until the client's kernel has all answers, or has taken in nothing for a while.
 * Reading may be at its end already (stream_stop_reading) while the client still sends, hence
 * the waiting by poll.
 */
void
stream_linger(struct stream *stream, int64_t linger_ms)
{
	char scrap[4096];
	struct pollfd hangup = {.fd = stream->fd};
	size_t left, least = SIZE_MAX;
	int64_t deadline = 0;
	if (stream->tls != NULL)
		tls_io_finish(stream);
	if (stream->local) {
		discard_local(stream);
		return;
	}
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
		if ((n < 0 && errno != EAGAIN && errno != EINTR) || peer_finished(stream))
			return;
		poll(&hangup, 1, LINGER_POLL_MS);
	}
}

static void
forget(struct stream *stream)
{
	tls_io_free(stream->tls);
	stream->tls = NULL;
	close(stream->fd);
	stream->fd = -1;
}

void
stream_close(struct stream *stream)
{
	forget(stream);
}

void
stream_abort(struct stream *stream)
{
	struct linger none = {.l_onoff = 1};
	setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	forget(stream);
}
