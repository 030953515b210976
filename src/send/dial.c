/* SPDX-License-Identifier: ISC */
/* Non-blocking connects over all addresses of a name. */
#include "send/dial.h"

#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

const char *
dial_local_path(const char *host)
{
	static const char prefix[] = "unix:";
	size_t len = sizeof prefix - 1;
	return strncmp(host, prefix, len) == 0 ? host + len : NULL;
}

/* 0, or -1 with a reason. */
static int
open_local(struct dial *dial, const char *path)
{
	struct sockaddr_un *address = &dial->local_address;
	if (path[0] != '/' || strlen(path) >= sizeof address->sun_path) {
		dial->reason =
			"no absolute path of at most 107 bytes, as in unix:/run/logcollectd.sock";
		return -1;
	}
	address->sun_family = AF_UNIX;
	strlcpy(address->sun_path, path, sizeof address->sun_path);
	dial->local = (struct addrinfo){.ai_family = AF_UNIX,
		.ai_addr = (struct sockaddr *)address,
		.ai_addrlen = sizeof *address};
	dial->next = &dial->local;
	return 0;
}

int
dial_open(struct dial *dial, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
	*dial = (struct dial){.fd = -1};
	const char *path = dial_local_path(host);
	if (path != NULL)
		return open_local(dial, path);
	int error = getaddrinfo(host, port, &hints, &dial->found);
	if (error != 0) {
		dial->found = NULL;
		dial->reason = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
		return -1;
	}
	dial->next = dial->found;
	return 0;
}

static void
abandon(struct dial *dial)
{
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

void
dial_close(struct dial *dial)
{
	abandon(dial);
	if (dial->found != NULL)
		freeaddrinfo(dial->found);
	*dial = (struct dial){.fd = -1};
}

static enum dial_event
fail(struct dial *dial, int error)
{
	dial->reason = strerror(error);
	abandon(dial);
	return DIAL_FAILED;
}

/* A port nobody listens on can be given to our own end of the connection, which then meets itself.
 */
static int
is_ourselves(int fd)
{
	struct sockaddr_storage here = {0}, there = {0};
	socklen_t here_len = sizeof here, there_len = sizeof there;
	return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
	       here_len == there_len && memcmp(&here, &there, here_len) == 0;
}

static enum dial_event
connected(struct dial *dial)
{
	int on = 1;
	if (dial->local.ai_family == AF_UNIX)
		return DIAL_CONNECTED;
	if (is_ourselves(dial->fd))
		return fail(dial, ECONNREFUSED);
	setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return DIAL_CONNECTED;
}

static enum dial_event
start(struct dial *dial, const struct addrinfo *address)
{
	dial->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0)
		return fail(dial, errno);
	if (connect(dial->fd, address->ai_addr, address->ai_addrlen) == 0)
		return connected(dial);
	/* An interrupted connect goes on in the background, as one in progress does. */
	return errno == EINPROGRESS || errno == EINTR ? DIAL_PENDING : fail(dial, errno);
}

enum dial_event
dial_next(struct dial *dial)
{
	enum dial_event event = DIAL_FAILED;
	abandon(dial);
	while (dial->next != NULL && event == DIAL_FAILED) {
		event = start(dial, dial->next);
		dial->next = dial->next->ai_next;
	}
	return event;
}

enum dial_event
dial_finish(struct dial *dial)
{
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	return error == 0 ? connected(dial) : fail(dial, error);
}
