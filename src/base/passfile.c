/* SPDX-License-Identifier: ISC */
/* Reads a password, and leaves no copy of it behind. */
#include "base/passfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many bytes, or -1 with errno.  A FIFO must not keep us waiting. */
static ssize_t
read_some(const char *path, char *out, size_t size, bool *exposed)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	ssize_t len = fstat(fd, &st) < 0 ? -1 : read(fd, out, size);
	int saved = errno;
	close(fd);
	errno = saved;
	*exposed = len >= 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0;
	return len;
}

/* Where the first line ends, or the bytes do. */
static size_t
line_end(const char *bytes, size_t len)
{
	size_t end = 0;
	while (end < len && bytes[end] != '\n' && bytes[end] != '\r' && bytes[end] != '\0')
		end++;
	return end;
}

const char *
passfile_read(const char *path, char *out, size_t size, bool *exposed)
{
	*exposed = false;
	ssize_t len = read_some(path, out, size, exposed);
	size_t end = len < 0 ? 0 : line_end(out, (size_t)len);
	explicit_bzero(out + end, size - end);
	if (len < 0)
		return strerrordesc_np(errno);
	if (end == 0)
		return "its first line is empty, and must be the password";
	if (end < size)
		return NULL;
	explicit_bzero(out, size);
	return "its first line is longer than a password may be, 1023 bytes";
}
