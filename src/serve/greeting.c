/* SPDX-License-Identifier: ISC */
/* What is spoken before the first line. */
#include "serve/greeting.h"

#include "base/clock.h"
#include "net/proxied.h"
#include "net/tls_io.h"
#include "serve/conn.h"

/* As part of a JSON string; OpenSSL has written it in printable ASCII. */
static int
quote(struct buf *out, struct slice text)
{
	int failed = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool odd = c < 0x20 || c > 0x7e;
		failed |= buf_printf(out, "%s%c", c == '"' || c == '\\' ? "\\" : "", odd ? '?' : c);
	}
	return failed;
}

/* 0, or -1 with errno ENOMEM. */
static int
note_subject(struct conn *conn)
{
	struct buf subject = {0};
	int failed = tls_io_subject(conn->stream.tls, &subject);
	if (failed == 0)
		failed = quote(&conn->subject, buf_slice(&subject));
	buf_fini(&subject);
	conn->session.subject = buf_slice(&conn->subject);
	return failed;
}

/* Who looks whether the port is open has failed in nothing, nor has who is stopped by us. */
static void
count_failure(const struct conn *conn, enum tls_io_result result)
{
	const struct conn_world *world = conn->world;
	if (result == TLS_IO_GONE &&
		(!tls_io_has_heard(conn->stream.tls) || atomic_load(world->draining)))
		return;
	scoreboard_add(world->scoreboard, world->worker, COUNT_HANDSHAKE_FAILED, 1);
}

static enum greeting
begin_tls(struct conn *conn, int64_t deadline_ms)
{
	bool silent = (conn->options & LISTEN_NOACK) != 0;
	/* A handshake is no answer, but may meet a client that reads nothing, too. */
	enum tls_io_result result = tls_io_accept(
		&conn->stream, conn->world->tls, silent, deadline_ms);
	if (result == TLS_IO_DONE)
		return note_subject(conn) == 0 ? GREETING_OVER : GREETING_GONE;
	count_failure(conn, result);
	return result == TLS_IO_REFUSED ? GREETING_ENDED : GREETING_GONE;
}

/* A balancer that names no client is judged with its first line: a look whether we are here is never an error. */
static enum greeting
hear_balancer(struct conn *conn, int64_t deadline_ms)
{
	const struct conn_world *world = conn->world;
	struct proxy proxy;
	switch (proxied_read(&conn->stream, deadline_ms, &proxy)) {
	case PROXIED_TOLD:
		break;
	case PROXIED_FAILED:
		if (!atomic_load_explicit(world->draining, memory_order_acquire))
			scoreboard_add(world->scoreboard, world->worker, COUNT_PROXY_FAILED, 1);
		return GREETING_GONE;
	case PROXIED_GONE:
		return GREETING_ENDED;
	}
	if (!proxy.told || conn_admit(conn, &proxy.client))
		return GREETING_OVER;
	/* Nothing in clear where TLS is expected. */
	bool tell = (conn->options & (LISTEN_NOACK | LISTEN_TLS)) == 0;
	return conn_deny(conn, tell) ? GREETING_ENDED : GREETING_GONE;
}

enum greeting
greeting_exchange(struct conn *conn)
{
	const struct settings *settings = &conn->view->settings;
	int64_t deadline_ms = clock_mono_ms() + settings->handshake_timeout_s * 1000;
	enum greeting greeting = GREETING_OVER;
	stream_set_write_timeout(&conn->stream, settings->send_timeout_s * 1000);
	if (conn->options & LISTEN_PROXY)
		greeting = hear_balancer(conn, deadline_ms);
	if (greeting == GREETING_OVER && conn->options & LISTEN_TLS)
		greeting = begin_tls(conn, deadline_ms);
	return greeting;
}
