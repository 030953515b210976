/* SPDX-License-Identifier: ISC */
/*
 * Sockets that were bound by whoever has started us, a service manager with socket activation: the protocol of
 * sd_listen_fds(3).  They stay bound while no daemon runs, so a restart refuses no client.
 */
#ifndef NET_PASSED_H
#define NET_PASSED_H

#include "base/buf.h"
#include "net/listener.h"

/*
 * Fills *set from LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and removes these from the environment: they are meant for
 * this process alone.  Each socket is made non-blocking and close-on-exec; its endpoint is fd@NAME.  Without such
 * variables, or when they are for another process, the set is empty.  0, or -1 with every reason told in `errors`, one line
 * each, and errno: EINVAL where a descriptor is no listening stream socket of TCP or the file system or a name cannot be one.  Before any thread; the
 * set is the caller's, to be let go of with listener_close() in each process.
 */
int passed_sockets(struct listener_set *set, struct buf *errors);

#endif
