/* SPDX-License-Identifier: ISC */
/* Takes the sockets that a service manager passes. */
#include "net/passed.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static const char *const variables[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};

/* A number that the environment gives, or -1. */
static long long
number_of(const char *variable)
{
	const char *text = getenv(variable);
	const char *wrong = NULL;
	long long value = text == NULL ? -1 : strtonum(text, 0, INT_MAX - FIRST_FD, &wrong);
	return wrong == NULL ? value : -1;
}

static int
option_of(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof value;
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static bool
is_listening(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);
	return (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX) &&
	       option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1;
}

/* The part of a list with colons that *rest begins with; *rest is moved behind it. */
static const char *
next_name(char **rest)
{
	const char *name = *rest == NULL ? NULL : strsep(rest, ":");
	return name == NULL || name[0] == '\0' ? "unknown" : name;
}

static int
take(struct listener_set *set, int fd, const char *name, struct buf *errors)
{
	if (fcntl(fd, F_GETFD) < 0) {
		buf_printf(
			errors, "descriptor %d, passed as %.64s: %s\n", fd, name, strerror(errno));
		return EBADF;
	}
	struct listener listener = {.fd = fd};
	char text[ENDPOINT_TEXT_MAX + 16];
	int len = snprintf(text, sizeof text, "fd@%s", name);
	const char *wrong = len < (int)sizeof text ? endpoint_parse(text, &listener.listen.endpoint)
	                                           : "the name is too long";
	if (wrong == NULL && !is_listening(fd))
		wrong = "is no stream socket that listens, ListenStream= and Accept=no make one";
	if (wrong != NULL) {
		buf_printf(errors, "descriptor %d, passed as %.64s: %s\n", fd, name, wrong);
		return EINVAL;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	listener_name(&listener);
	return listener_add(set, &listener) == 0 ? 0 : errno;
}

int
passed_sockets(struct listener_set *set, struct buf *errors)
{
	long long count = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0;
	const char *all = getenv("LISTEN_FDNAMES");
	char *names = all == NULL ? NULL : strdup(all), *rest = names;
	int error = all != NULL && names == NULL ? errno : 0;
	*set = (struct listener_set){0};
	/* Behind one that is not open nobody knows where they end. */
	for (int i = 0; i < count && error != ENOMEM && error != EBADF; i++) {
		int failure = take(set, FIRST_FD + i, next_name(&rest), errors);
		error = failure != 0 ? failure : error;
	}
	free(names);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
		unsetenv(variables[i]);
	errno = error == EBADF ? EINVAL : error;
	return error == 0 ? 0 : -1;
}
