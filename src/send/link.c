/* SPDX-License-Identifier: ISC */
/* A branch for each operation. */
#include "send/link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int
link_open(struct link *link, int fd, const struct trust *trust)
{
	*link = (struct link){.fd = fd};
	return trust == NULL ? 0 : secure_open(&link->secure, trust, fd);
}

void
link_close(struct link *link)
{
	secure_close(&link->secure);
	if (link->fd >= 0)
		close(link->fd);
	*link = (struct link){.fd = -1};
}

static bool
is_secure(const struct link *link)
{
	return link->secure.ssl != NULL;
}

int
link_greet(struct link *link)
{
	return is_secure(link) ? secure_handshake(&link->secure) : 0;
}

ssize_t
link_read(struct link *link, void *bytes, size_t len)
{
	return is_secure(link) ? secure_read(&link->secure, bytes, len)
	                       : recv(link->fd, bytes, len, 0);
}

ssize_t
link_write(struct link *link, const void *bytes, size_t len)
{
	return is_secure(link) ? secure_write(&link->secure, bytes, len)
	                       : send(link->fd, bytes, len, MSG_NOSIGNAL);
}

short
link_read_events(const struct link *link)
{
	return is_secure(link) ? link->secure.read_events : POLLIN;
}

short
link_write_events(const struct link *link)
{
	return is_secure(link) ? link->secure.write_events : POLLOUT;
}

const char *
link_reason(const struct link *link, int error)
{
	return error == EPROTO && is_secure(link) ? link->secure.refusal.text : strerror(error);
}

bool
link_is_hopeless(const struct link *link)
{
	return link->secure.refusal.final;
}
