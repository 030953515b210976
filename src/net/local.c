/* SPDX-License-Identifier: ISC */
/* Binds sockets in the file system. */
#include "net/local.h"

#include <bsd/string.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
open_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Whether it is a socket that was left by a process that is gone. */
static bool
is_left_over(const struct sockaddr_un *address)
{
	struct stat status;
	if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	int fd = open_socket();
	bool refused = fd >= 0 &&
	               connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 &&
	               errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

static int
bind_anew(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *generic = (const struct sockaddr *)address;
	if (bind(fd, generic, sizeof *address) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_left_over(address)) {
		errno = EADDRINUSE;
		return -1;
	}
	return unlink(address->sun_path) < 0 ? -1 : bind(fd, generic, sizeof *address);
}

int
local_listen(const char *path, mode_t mode, int backlog, struct local_file *file)
{
	struct stat status;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = open_socket();
	if (fd < 0)
		return -1;
	mode_t before = umask(~mode & 0777);
	int result = bind_anew(fd, &address);
	if (result == 0)
		result = listen(fd, backlog);
	if (result == 0)
		result = lstat(path, &status);
	int saved = errno;
	umask(before);
	if (result == 0) {
		*file = (struct local_file){status.st_dev, status.st_ino};
		return fd;
	}
	close(fd);
	errno = saved;
	return -1;
}

bool
local_stands(const char *path, const struct local_file *file)
{
	struct stat status;
	return lstat(path, &status) == 0 && status.st_dev == file->device &&
	       status.st_ino == file->inode;
}

void
local_remove(const char *path, const struct local_file *file)
{
	if (local_stands(path, file))
		unlink(path);
}
