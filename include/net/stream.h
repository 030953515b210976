/* SPDX-License-Identifier: ISC */
/*
 * A connected client, by TCP or through the file system: the few operations that the data path needs, the same ones for
 * plain connections and for TLS.  The socket blocks; time limits are the kernel's (SO_RCVTIMEO, SO_SNDTIMEO).  No call raises SIGPIPE.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"

struct tls_io;

struct stream {
	int fd;
	bool local;           /* of the file system (AF_UNIX), not of TCP */
	_Atomic bool stopped; /* a local one, by us before the client had finished */
	struct tls_io
		*tls; /* NULL: plain.  Made by tls_io_accept(), freed when the stream is closed */
	int64_t read_timeout_ms, write_timeout_ms; /* as they were set last */
	bool draining;                             /* only what had arrived by then is read: */
	size_t drain_bytes;                        /* so much of it is left, on the wire */
};

/* Takes over an accepted socket: TCP_NODELAY, keepalive, urgent bytes as all others. */
void stream_init(struct stream *stream, int fd);

/* How long a read (write) may wait without progress; 0: for ever.  Costs nothing when unchanged. */
void stream_set_read_timeout(struct stream *stream, int64_t ms);
void stream_set_write_timeout(struct stream *stream, int64_t ms);

/* Bytes read, 0 at the end, -1 with errno (EAGAIN: the time limit has passed). */
ssize_t stream_read(struct stream *stream, char *room, size_t size);

/* Sends all of it.  0, or -1 with errno (EAGAIN: no progress for the time limit). */
int stream_write(struct stream *stream, struct slice bytes);

/*
 * When a read has returned 0: whether the client itself has said that this was all, by its FIN, or by close_notify
 * with TLS, as against our having stopped reading, or somebody having cut it off.
 */
bool stream_is_complete(const struct stream *stream);

/* From now on only what has arrived is read: a client that goes on sending cannot hold us. */
void stream_drain(struct stream *stream);

/*
 * We read no more: what has arrived can still be read, then reads return 0.  What a local client sends from now on fails
 * there, with EPIPE.  Any thread.
 */
void stream_stop_reading(struct stream *stream);

/*
 * Makes sure that the last answers arrive: says that they were the last (with TLS), discards what still comes until the client's kernel has
 * taken everything in, or nothing for linger_ms.  Closing (or sending our FIN) earlier with unread bytes
 * would reset the connection under the answers.  A local client has them when they are sent: nothing is waited for.
 */
void stream_linger(struct stream *stream, int64_t linger_ms);

/*
 * The bytes as they are on the wire, for what lies between the two: as recv() with these flags, but never more than a drain
 * allows; and all of it sent, as stream_write() does.
 */
ssize_t stream_receive(struct stream *stream, char *room, size_t size, int flags);
int stream_send(struct stream *stream, struct slice bytes);

/* Ends the connection: the client sees our FIN. */
void stream_close(struct stream *stream);

/* Resets the connection and forgets the answers under way: for a client that does not read them. */
void stream_abort(struct stream *stream);

#endif
