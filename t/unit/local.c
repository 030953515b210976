/* SPDX-License-Identifier: ISC */
/* Sockets in the file system: made, kept over a reload, replaced where they are left over, removed. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "net/listener.h"
#include "unit/tap.h"

static struct listen listen_line = {.mode = LISTEN_MODE};
static const struct listener_set none;

static int
open_set(struct listener_set *set, const struct listener_set *old)
{
	struct buf errors = {0};
	const struct listener_request request = {
		.listens = &listen_line, .count = 1, .backlog = 5, .old = old};
	int result = listener_open(set, &request, &errors);
	int saved = errno;
	CU_ASSERT_EQUAL(result<0, errors.len> 0);
	buf_fini(&errors);
	errno = saved;
	return result;
}

static bool
can_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	bool can = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return can;
}

static void
life(void)
{
	char *dir = scratch_new(), path[200], text[220];
	struct listener_set set, next, third;
	struct stat status;
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(text, sizeof text, "unix:%s", path);
	CU_ASSERT_PTR_NULL_FATAL(endpoint_parse_local(text, &listen_line.endpoint));
	CU_ASSERT_EQUAL_FATAL(open_set(&set, NULL), 0);
	CU_ASSERT_STRING_EQUAL(set.items[0].name, text);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 0777, 0666);
	CU_ASSERT(can_connect(path));
	/* In use by a living one. */
	CU_ASSERT_EQUAL(open_set(&next, NULL), -1);
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	CU_ASSERT(can_connect(path));
	/* Kept by a reload, and by one that fails. */
	CU_ASSERT_EQUAL_FATAL(open_set(&next, &set), 0);
	listener_abandon(&next, &set);
	CU_ASSERT(can_connect(path));
	CU_ASSERT_EQUAL_FATAL(open_set(&next, &set), 0);
	CU_ASSERT(listener_is_in(&set, &next.items[0]));
	listener_switch(&set, &next);
	CU_ASSERT(can_connect(path));
	/* Left by one that was killed. */
	listener_close(&set);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT(!can_connect(path));
	CU_ASSERT_EQUAL_FATAL(open_set(&third, NULL), 0);
	CU_ASSERT(can_connect(path));
	listener_abandon(&third, &none);
	CU_ASSERT_EQUAL(stat(path, &status), -1);
	scratch_free(dir);
}

static void
something_else(void)
{
	char *dir = scratch_new(), path[200], text[220];
	struct listener_set set;
	struct stat status;
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(text, sizeof text, "unix:%s", path);
	CU_ASSERT_PTR_NULL_FATAL(endpoint_parse_local(text, &listen_line.endpoint));
	scratch_write(path, (struct slice)SLICE("a file"));
	CU_ASSERT_EQUAL(open_set(&set, NULL), -1);
	CU_ASSERT_EQUAL(errno, EADDRINUSE);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	snprintf(text, sizeof text, "unix:%s/none/s", dir);
	CU_ASSERT_PTR_NULL_FATAL(endpoint_parse_local(text, &listen_line.endpoint));
	CU_ASSERT_EQUAL(open_set(&set, NULL), -1);
	CU_ASSERT_EQUAL(errno, ENOENT);
	scratch_free(dir);
}

static void
modes(void)
{
	char *dir = scratch_new(), path[200], other[210];
	struct local_file file;
	struct stat status;
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	int fd = local_listen(path, 0640, NULL, 5, &file);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0640);
	CU_ASSERT_EQUAL(local_set_mode(path, 0606, &file), 0);
	CU_ASSERT_EQUAL(stat(path, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0606);
	/* Whatever stands there now, it is not given away. */
	CU_ASSERT_EQUAL(rename(path, other), 0);
	CU_ASSERT_EQUAL(symlink(other, path), 0);
	CU_ASSERT_EQUAL(local_set_mode(path, 0777, &file), -1);
	CU_ASSERT_EQUAL(unlink(path), 0);
	scratch_write(path, (struct slice)SLICE("a file"));
	CU_ASSERT_EQUAL(local_set_mode(path, 0777, &file), -1);
	CU_ASSERT_EQUAL(stat(other, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0606);
	close(fd);
	scratch_free(dir);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"from the first to the last", life},
		{"where something else is", something_else},
		{"modes", modes},
		{NULL, NULL},
	};
	return tap_main("local", cases);
}
