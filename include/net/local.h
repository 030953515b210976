/* SPDX-License-Identifier: ISC */
/* Listening sockets in the file system: part of net/listener.h. */
#ifndef NET_LOCAL_H
#define NET_LOCAL_H

/*
 * Binds a socket at the path, for everybody who may enter its folder.  One that stands there and that nobody listens on
 * any more is replaced.  A non-blocking, close-on-exec descriptor, or -1 with errno: EADDRINUSE when something else is
 * there.  Only from a single-threaded process: it changes the umask for a moment.
 */
int local_listen(const char *path, int backlog);

#endif
