/* SPDX-License-Identifier: ISC */
/* The data path: bytes in, batches through, answers out. */
#include "serve/conn.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "core/access.h"
#include "serve/greeting.h"
#include "serve/replica.h"

enum {
	WARM_READ_BYTES = 128 *
	                  1024, /* what a busy client's buffer may grow to without a long line */
	COLD_BYTES = 8 * 1024,  /* memory, beyond the first buffer, that a silent client keeps */
	COOL_AFTER_MS = 1000,   /* silence that makes a busy client an idle one */
};

enum fill {
	FILL_BYTES,
	FILL_END,    /* nothing more will come, the last line is complete */
	FILL_CUT,    /* nothing more is to be read, a last line without newline is not a line */
	FILL_FULL,   /* there is no memory for what would come */
	FILL_BROKEN, /* the connection is gone */
};

static const struct settings *
settings_of(const struct conn *conn)
{
	return &conn->view->settings;
}

/* What is kept of the settings beside the settings. */
static void
follow_settings(struct conn *conn)
{
	const struct settings *settings = settings_of(conn);
	conn->key = address_prefix(&conn->address, (unsigned)settings->rate_limit_ipv6_prefix);
	conn->exempt = access_lists(settings->rate_limit_exempt,
		(size_t)settings->rate_limit_exempt_count, &conn->address);
	conn->denied = !access_granted(
		settings->require, (size_t)settings->require_count, &conn->address);
}

/* Whether what is read goes through the unpacker. */
static bool
may_be_packed(const struct conn *conn)
{
	return (conn->options & LISTEN_GZIP) != 0;
}

/* Settings that were published meanwhile hold from here on. */
static void
refresh(struct conn *conn)
{
	if (!view_is_stale(conn->world->desk, conn->view))
		return;
	view_put(conn->world->desk, conn->view);
	conn->view = view_get(conn->world->desk);
	follow_settings(conn);
}

/* Who the client is, as everything but the socket is to know it. */
static void
set_client(struct conn *conn, const struct address *address)
{
	conn->address = *address;
	address_format(&conn->address, conn->client);
	conn->session.client = slice_of(conn->client);
	follow_settings(conn);
}

void
conn_init(
	struct conn *conn, const struct conn_world *world, const struct arrival *arrival, int place)
{
	*conn = (struct conn){.world = world,
		.view = view_get(world->desk),
		.options = arrival->options,
		.place = place};
	stream_init(&conn->stream, arrival->fd);
	session_init(
		&conn->session, (size_t)settings_of(conn)->buffer_bytes, (struct slice){NULL, 0});
	set_client(conn, &arrival->address);
	conn->session.silent = (conn->options & LISTEN_NOACK) != 0;
	if (may_be_packed(conn))
		unpack_init(&conn->unpack, (size_t)settings_of(conn)->buffer_bytes);
}

void
conn_fini(struct conn *conn)
{
	session_fini(&conn->session);
	unpack_fini(&conn->unpack);
	buf_fini(&conn->subject);
	view_put(conn->world->desk, conn->view);
}

void
conn_stop_reading(struct conn *conn)
{
	stream_stop_reading(&conn->stream);
}

void
conn_linger(struct conn *conn)
{
	stream_linger(&conn->stream, settings_of(conn)->send_timeout_s * 1000);
}

void
conn_close(struct conn *conn, bool linger)
{
	if (linger)
		stream_close(&conn->stream);
	else
		stream_abort(&conn->stream);
}

static void
count(const struct conn *conn, enum count what, uint64_t n)
{
	scoreboard_add(conn->world->scoreboard, conn->world->worker, what, n);
}

static bool
is_warm(const struct conn *conn)
{
	const struct frame *frame = &conn->session.frame;
	return frame->cap + conn->unpack.cap >
	       frame->first_bytes + conn->unpack.first_bytes + COLD_BYTES;
}

/* Of two times in milliseconds the one that is over first; 0 is never. */
static int64_t
sooner(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* How long the line that has begun may still take: 0 for ever, -1 no longer. */
static int64_t
line_time_left(const struct conn *conn)
{
	if (conn->line_since_ms == 0)
		return 0;
	int64_t until_ms = conn->line_since_ms + settings_of(conn)->read_timeout_s * 1000;
	int64_t left_ms = until_ms - clock_mono_ms();
	return left_ms > 0 ? left_ms : -1;
}

static void
cool(struct conn *conn)
{
	frame_cool(&conn->session.frame);
	unpack_cool(&conn->unpack);
	atomic_store_explicit(conn->world->cooled, true, memory_order_relaxed);
}

/* Where the next bytes are read to; NULL with errno ENOMEM. */
static char *
reading_room(struct conn *conn, size_t *size)
{
	if (may_be_packed(conn))
		return unpack_room(&conn->unpack, size);
	return frame_room(
		&conn->session.frame, (size_t)settings_of(conn)->policy.max_line_bytes, size);
}

/*
 * Reads; a client that falls silent gives its memory back and waits on without it.  Fails with EAGAIN
 * when IdleTimeout has passed, with ETIME when ReadTimeout has.
 */
static ssize_t
read_patiently(struct conn *conn)
{
	int64_t idle_ms = settings_of(conn)->idle_timeout_s * 1000;
	for (bool cooled = false;;) {
		int64_t line_ms = line_time_left(conn);
		if (line_ms < 0)
			return errno = ETIME, -1;
		int64_t limit_ms = sooner(idle_ms, line_ms);
		/* Once: what the line that has begun takes will not go away by asking again. */
		bool cooling = !cooled && is_warm(conn) &&
		               (limit_ms == 0 || limit_ms > COOL_AFTER_MS);
		size_t size;
		char *room = reading_room(conn, &size);
		if (room == NULL)
			return -1;
		stream_set_read_timeout(&conn->stream, cooling ? COOL_AFTER_MS : limit_ms);
		ssize_t n = stream_read(&conn->stream, room, size);
		if (n >= 0 || errno != EAGAIN)
			return n;
		if (cooling)
			cool(conn);
		else if (limit_ms == idle_ms)
			return n;
		cooled |= cooling;
		if (idle_ms > 0)
			idle_ms -= cooling ? COOL_AFTER_MS : limit_ms;
	}
}

/* Notes since when the line without an end, if there is one, has been arriving. */
static void
watch_line(struct conn *conn)
{
	const struct frame *frame = &conn->session.frame;
	bool refused, begun = frame_line_begun(frame) || unpack_inside(&conn->unpack, &refused);
	if (settings_of(conn)->read_timeout_s == 0 || !begun)
		conn->line_since_ms = 0;
	else if (conn->line_since_ms == 0 || conn->newlines != frame->newlines)
		conn->line_since_ms = clock_mono_ms();
	conn->newlines = frame->newlines;
}

/* A frame that is filled may become larger. */
static void
warm(struct conn *conn)
{
	struct frame *frame = &conn->session.frame;
	conn->flooding = frame->end == frame->cap;
	if (!conn->stream.draining && conn->flooding)
		frame_warm(
			frame, (size_t)settings_of(conn)->policy.max_line_bytes, WARM_READ_BYTES);
}

static void
take_in(struct conn *conn, size_t n)
{
	if (may_be_packed(conn)) {
		unpack_fill(&conn->unpack, n);
	} else {
		frame_fill(&conn->session.frame, n);
		warm(conn);
	}
	conn->read_at = clock_read();
	count(conn, COUNT_BYTES_IN, n);
}

static enum fill
fill(struct conn *conn)
{
	if (!conn->stream.draining &&
		atomic_load_explicit(conn->world->draining, memory_order_acquire))
		stream_drain(&conn->stream);
	ssize_t n = read_patiently(conn);
	if (n > 0) {
		take_in(conn, (size_t)n);
		return FILL_BYTES;
	}
	if (n == 0) {
		/* Its own end is what makes a last line one. */
		conn->read_at = clock_read();
		return stream_is_complete(&conn->stream) ? FILL_END : FILL_CUT;
	}
	if (errno != EAGAIN && errno != ETIME)
		return errno == ENOMEM ? FILL_FULL : FILL_BROKEN;
	count(conn, errno == EAGAIN ? COUNT_IDLE_CLOSED : COUNT_READ_CLOSED, 1);
	return FILL_CUT;
}

static int64_t
take_tokens(const struct conn *conn, int64_t lines)
{
	const struct settings *settings = settings_of(conn);
	if (!settings->rate_limit || conn->exempt)
		return lines;
	const struct limiter_rule rule = {
		.max = settings->rate_limit_max, .window_ms = settings->rate_limit_window_s * 1000};
	return limiter_take(
		conn->world->limiter, &conn->key, &rule, conn->read_at.mono_us / 1000, lines);
}

/* What is not confirmed in time may still arrive.  0 or an errno. */
static int
await_replica(const struct conn *conn, struct position end)
{
	return replica_await(scoreboard_shipping(conn->world->scoreboard), end,
		settings_of(conn)->ack_when.timeout_s * 1000);
}

static bool
store(const struct conn *conn)
{
	struct slice records = buf_slice(&conn->session.batch->records);
	struct journal *journal = conn->world->journal;
	struct position end;
	int error = 0;
	if (records.len == 0)
		return true;
	if (journal == NULL)
		error = ENOENT;
	else if (journal_append(journal, records, conn->read_at.wall_us, &end) < 0)
		error = errno;
	else if (settings_of(conn)->ack_when.replicated)
		error = await_replica(conn, end);
	scoreboard_set_stored(
		conn->world->scoreboard, conn->world->worker, error, conn->read_at.wall_us);
	if (error != 0)
		count(conn, COUNT_STORAGE_ERRORS, 1);
	return error == 0;
}

static int
answer(struct conn *conn)
{
	stream_set_write_timeout(&conn->stream, settings_of(conn)->send_timeout_s * 1000);
	int result = stream_write(&conn->stream, buf_slice(&conn->session.batch->replies));
	if (result < 0 && errno == EAGAIN)
		count(conn, COUNT_SEND_CLOSED, 1);
	return result;
}

void
conn_count_denied(const struct conn_world *world, const struct address *key, int64_t now_ms)
{
	scoreboard_add(world->scoreboard, world->worker, COUNT_DENIED, 1);
	limiter_note(world->denied, key, now_ms);
}

bool
conn_deny(struct conn *conn, bool tell)
{
	conn_count_denied(conn->world, &conn->key, clock_mono_ms());
	stream_set_write_timeout(&conn->stream, settings_of(conn)->send_timeout_s * 1000);
	return !tell || stream_write(&conn->stream, reply_denied()) == 0;
}

/* Carries all lines that the buffer holds through.  0, 1: the connection is over, or -1: and broken. */
static int
carry_all(struct conn *conn, bool finished)
{
	struct session *session = &conn->session;
	for (;;) {
		refresh(conn);
		const struct policy *policy = &settings_of(conn)->policy;
		int64_t lines = session_collect(session, policy, finished);
		if (lines <= 0)
			return (int)lines;
		if (conn->denied)
			return conn_deny(conn, !session->silent) ? 1 : -1;
		session_judge(session, policy, take_tokens(conn, lines), &conn->read_at);
		int settled = session_settle(session, store(conn));
		scoreboard_add_verdicts(
			conn->world->scoreboard, conn->world->worker, session->batch->verdicts);
		count(conn, COUNT_BATCHES, 1);
		if (settled < 0 || answer(conn) < 0)
			return -1;
		scoreboard_observe(conn->world->scoreboard, conn->world->worker,
			clock_mono_us() - conn->read_at.mono_us, (uint64_t)lines);
	}
}

/* As carry_all(), with what was read, piece by piece as it is unpacked. */
static int
carry_packed(struct conn *conn, bool finished)
{
	struct session *session = &conn->session;
	enum unpack_event event;
	enum verdict verdict;
	while ((event = unpack_pour(&conn->unpack, &session->frame,
			(size_t)settings_of(conn)->policy.max_line_bytes, &verdict)) !=
		UNPACK_MORE) {
		if (event == UNPACK_FAILED)
			return -1;
		if (event == UNPACK_REFUSED)
			session_refuse(session, verdict);
		warm(conn);
		int result = carry_all(conn, false);
		if (result != 0)
			return result;
	}
	bool refused = false;
	if (!finished)
		return 0;
	/* What it broke off in the middle of is no gzip. */
	bool inside = unpack_inside(&conn->unpack, &refused);
	if (inside && !refused)
		session_refuse(session, VERDICT_INVALID);
	return carry_all(conn, !inside);
}

/* As carry_all(), with a batch that is borrowed for it. */
static int
process(struct conn *conn, bool finished)
{
	struct session *session = &conn->session;
	session->batch = batches_take(conn->world->batches);
	if (session->batch == NULL)
		return -1;
	int result = may_be_packed(conn) ? carry_packed(conn, finished) : carry_all(conn, finished);
	batches_give(conn->world->batches, session->batch);
	session->batch = NULL;
	return result;
}

bool
conn_admit(struct conn *conn, const struct address *client)
{
	refresh(conn);
	set_client(conn, client);
	return !conn->denied &&
	       roster_rename(conn->world->roster, conn->world->worker, conn->place, &conn->key,
		       (size_t)settings_of(conn)->max_connections_per_client);
}

bool
conn_serve(struct conn *conn)
{
	enum greeting greeting = greeting_exchange(conn);
	int result = 0;
	if (greeting != GREETING_OVER)
		return greeting == GREETING_ENDED;
	while (result == 0) {
		switch (fill(conn)) {
		case FILL_BYTES:
			result = process(conn, false);
			/* Who has more than fits is not to hold the processor against who has little. */
			if (conn->flooding)
				sched_yield();
			watch_line(conn);
			break;
		case FILL_END:
			return process(conn, true) >= 0;
		case FILL_CUT:
			return true;
		case FILL_FULL:
			count(conn, COUNT_BUSY, 1);
			return conn->session.silent ||
			       stream_write(&conn->stream, reply_busy()) == 0;
		case FILL_BROKEN:
			return false;
		}
	}
	return result > 0;
}
