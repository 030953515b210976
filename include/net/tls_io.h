/* SPDX-License-Identifier: ISC */
/*
 * TLS on one stream: part of net/stream.h, whose functions call these where stream->tls is set.  What a plain stream promises
 * holds here, too: time limits, that only what has arrived is read when draining, and that another thread may
 * stop the reading.  A client's close_notify is what its FIN is on a plain one.  One thread at a time.
 */
#ifndef NET_TLS_IO_H
#define NET_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/slice.h"
#include "net/tls.h"

struct stream;
struct tls_io;

/* Of a subject, in bytes; what is longer is cut. */
enum { TLS_IO_SUBJECT_MAX = 1024 };

/* How OpenSSL reaches a stream: one for each struct tls. */
struct bio_method_st *tls_io_method(void);
void tls_io_method_free(struct bio_method_st *method);

enum tls_io_result {
	TLS_IO_DONE,
	TLS_IO_LATE,    /* the deadline has passed */
	TLS_IO_GONE,    /* the client has ended the connection, or we have stopped reading */
	TLS_IO_REFUSED, /* no agreement, or it is no TLS: the client has been sent an alert */
};

/*
 * Begins TLS on a plain stream of which nothing has been read, and shakes hands; the stream has to stay where it is.  With
 * `silent` the client gets no tickets: one that never reads would reset the connection, with all that is under
 * way, when it closes it over them.
 */
enum tls_io_result tls_io_accept(
	struct stream *stream, const struct tls *tls, bool silent, int64_t deadline_ms);

/* Whether the client has sent anything at all. */
bool tls_io_has_heard(const struct tls_io *io);

/*
 * Appends the subject of the client's certificate as RFC 2253 has it, in printable ASCII; nothing where it has presented none.
 * 0, or -1 with errno ENOMEM.
 */
int tls_io_subject(const struct tls_io *io, struct buf *out);

/* As those of the stream. */
ssize_t tls_io_read(struct stream *stream, char *room, size_t size);
int tls_io_write(struct stream *stream, struct slice bytes);

/* Whether the client has said that nothing more comes. */
bool tls_io_peer_finished(const struct tls_io *io);

/* Says that nothing more comes from us. */
void tls_io_finish(struct stream *stream);

/* Sends nothing.  NULL is fine. */
void tls_io_free(struct tls_io *io);

#endif
