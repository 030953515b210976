/* SPDX-License-Identifier: ISC */
/* Binds sockets in the file system. */
#include "net/local.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* The very file, whatever is put at the path meanwhile: not to be read, but to be given away.  -1 with errno. */
static int
open_file(const char *path, struct local_file *file)
{
	struct stat status;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) {
		*file = (struct local_file){status.st_dev, status.st_ino};
		return fd;
	}
	close(fd);
	errno = EADDRINUSE;
	return -1;
}

/* 0, or -1 with errno. */
static int
note_file(const char *path, const struct local_owner *owner, struct local_file *file)
{
	int fd = open_file(path, file);
	if (fd < 0)
		return -1;
	int result = owner == NULL ? 0 : fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

int
local_listen(const char *path, mode_t mode, const struct local_owner *owner, int backlog,
	struct local_file *file)
{
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
	umask(before);
	/* Who could connect before it is whose it is to be would have come in by the wrong door. */
	if (result == 0 && (note_file(path, owner, file) < 0 || listen(fd, backlog) < 0)) {
		int saved = errno;
		local_remove(path, file);
		errno = saved;
		result = -1;
	}
	if (result == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
local_set_mode(const char *path, mode_t mode, const struct local_file *file)
{
	struct local_file found;
	char name[sizeof "/proc/self/fd/2147483647"];
	int fd = open_file(path, &found);
	if (fd < 0)
		return -1;
	bool same = found.device == file->device && found.inode == file->inode;
	/* fchmod() takes no descriptor of this kind. */
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int result = same ? chmod(name, mode) : -1;
	int saved = same ? errno : ESTALE;
	close(fd);
	errno = saved;
	return result;
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
