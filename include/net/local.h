/* SPDX-License-Identifier: ISC */
/* Listening sockets in the file system: part of net/listener.h. */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Which file a socket is, whatever stands at its path later. */
struct local_file {
	dev_t device;
	ino_t inode;
};

/* Whom the file is given to, by root. */
struct local_owner {
	uid_t uid;
	gid_t gid;
};

/*
 * Binds a socket at the path, a file of this mode, for whom it lets write and who may enter its folder; `owner` NULL: it is
 * ours.  One that stands there and that nobody listens on any more is replaced.  A non-blocking, close-on-exec descriptor, or -1 with errno: EADDRINUSE when something else is
 * there.  Only from a single-threaded process: it changes the umask for a moment.
 */
int local_listen(const char *path, mode_t mode, const struct local_owner *owner, int backlog,
	struct local_file *file);

/* Gives it another mode, where it still stands.  0, or -1 with errno. */
int local_set_mode(const char *path, mode_t mode, const struct local_file *file);

/* Whether it still stands there, so that clients find it. */
bool local_stands(const char *path, const struct local_file *file);

/* Removes it, where it still stands: another daemon may have the path by now.  Before it is closed, so that no other file
 * can be that file. */
void local_remove(const char *path, const struct local_file *file);

#endif
