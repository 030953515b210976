/* SPDX-License-Identifier: ISC */
/* The connection and its loop: one poll for the source, the requests and the answers, so that none
 * of them waits for another.  What to send again is the flight's business, how to connect dial's, TLS the
 * link's.
 */
#include "send/sender.h"

#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "send/dial.h"
#include "send/flight.h"
#include "send/link.h"

enum {
	READ_BYTES = 64 * 1024,
	ANSWER_MAX = 64 * 1024, /* bytes without a newline that are no answer any more */
	FIRST_WAIT_MS = 100,
	LONGEST_WAIT_MS = 5000,
};

enum sender_state {
	APART,    /* not connected: nothing to send, or waiting until retry_at_ms */
	DIALLING, /* an attempt is pending */
	GREETING, /* connected; what comes before the first line is under way */
	CONNECTED,
	FINISHED,
};

struct sender {
	const struct sender_options *options;
	const struct sender_watch *watch;
	struct source *source;
	bool source_ended;
	enum sender_state state;
	struct dial dial;
	bool deaf;        /* the server takes nothing more in */
	struct link link; /* closed unless connected */
	struct flight flight;
	struct buf in;    /* the beginning of an answer */
	int64_t failures; /* in a row, without an answer */
	int64_t retry_at_ms, deadline_ms;
	struct sender_result result;
};

static void
finish(struct sender *sender, enum sender_outcome outcome)
{
	sender->state = FINISHED;
	sender->result.outcome = outcome;
}

/* Something has happened on the connection: the peer has the whole time-out again. */
static void
extend_deadline(struct sender *sender)
{
	sender->deadline_ms = clock_mono_ms() + sender->options->timeout_ms;
}

static void
disconnect(struct sender *sender)
{
	dial_close(&sender->dial);
	link_close(&sender->link);
	sender->deaf = false;
	sender->state = APART;
	buf_clear(&sender->in);
	flight_rewind(&sender->flight);
}

static int64_t
back_off_ms(int64_t failures)
{
	int64_t wait_ms = FIRST_WAIT_MS;
	while (--failures > 0 && wait_ms < LONGEST_WAIT_MS)
		wait_ms *= 2;
	return wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
}

/* A server may close an idle connection: the next record makes a new one, and nothing has failed.
 */
static void
lose(struct sender *sender, const char *reason)
{
	/* The reason may live in what disconnect() frees. */
	strlcpy(sender->result.reason, reason, sizeof sender->result.reason);
	disconnect(sender);
	if (sender->flight.count == 0)
		return;
	if (++sender->failures > sender->options->retries) {
		finish(sender, SENDER_GAVE_UP);
		return;
	}
	int64_t wait_ms = back_off_ms(sender->failures);
	sender->retry_at_ms = clock_mono_ms() + wait_ms;
	sender->watch->retrying(sender->watch->context, sender->result.reason, wait_ms);
}

/* The server will not have us, or we not it. */
static void
deny(struct sender *sender, const char *reason)
{
	strlcpy(sender->result.reason, reason, sizeof sender->result.reason);
	finish(sender, SENDER_DENIED);
}

/* An operation on the link has failed for good. */
static void
lose_link(struct sender *sender, int error)
{
	const char *reason = link_reason(&sender->link, error);
	if (link_is_hopeless(&sender->link) && sender->flight.count > 0)
		deny(sender, reason);
	else
		lose(sender, reason);
}

static void
greet(struct sender *sender)
{
	if (link_greet(&sender->link) == 0)
		sender->state = CONNECTED;
	else if (errno != EAGAIN)
		lose_link(sender, errno);
}

/* Goes on to the next address as long as addresses fail. */
static void
follow_dial(struct sender *sender, enum dial_event event)
{
	if (event == DIAL_FAILED)
		event = dial_next(&sender->dial);
	if (event == DIAL_FAILED) {
		lose(sender, sender->dial.reason);
		return;
	}
	sender->state = DIALLING;
	extend_deadline(sender);
	if (event != DIAL_CONNECTED)
		return;
	int fd = sender->dial.fd;
	sender->dial.fd = -1;
	dial_close(&sender->dial);
	sender->state = GREETING;
	if (link_open(&sender->link, fd, sender->options->trust) == 0)
		greet(sender);
	else
		finish(sender, SENDER_NO_MEMORY);
}

static void
connect_when_due(struct sender *sender)
{
	if (sender->state != APART || sender->flight.count == 0 ||
		clock_mono_ms() < sender->retry_at_ms)
		return;
	if (dial_open(&sender->dial, sender->options->host, sender->options->port) != 0)
		lose(sender, sender->dial.reason);
	else
		follow_dial(sender, DIAL_FAILED);
}

/* One answer.  False when it ended the connection. */
static bool
hear(struct sender *sender, struct slice line)
{
	struct answer answer = answer_read(line);
	if (answer.kind == ANSWER_DENIED) {
		deny(sender, "access denied");
		return false;
	}
	if (answer.kind == ANSWER_BUSY) {
		lose(sender, "server busy");
		return false;
	}
	struct slice request = sender->flight.count > 0 ? flight_oldest(&sender->flight)
	                                                : (struct slice)SLICE("");
	if (!flight_answered(&sender->flight)) {
		lose(sender, "the server answered what was not asked");
		return false;
	}
	sender->failures = 0;
	sender->watch->answered(sender->watch->context, request, &answer);
	return true;
}

/* All answers that have arrived whole. */
static void
hear_all(struct sender *sender)
{
	struct buf *in = &sender->in;
	size_t start = 0;
	char *newline;
	while ((newline = memchr(in->data + start, '\n', in->len - start)) != NULL) {
		size_t end = (size_t)(newline - in->data);
		if (!hear(sender, (struct slice){in->data + start, end - start}))
			return;
		start = end + 1;
		extend_deadline(sender);
	}
	in->len -= start;
	memmove(in->data, in->data + start, in->len);
	if (in->len > ANSWER_MAX)
		lose(sender, "the server sent an answer without an end");
}

/* Reads once.  Whether there may be more. */
static bool
receive(struct sender *sender)
{
	char *room = buf_reserve(&sender->in, READ_BYTES);
	if (room == NULL) {
		finish(sender, SENDER_NO_MEMORY);
		return false;
	}
	ssize_t n = link_read(&sender->link, room, READ_BYTES);
	if (n > 0) {
		sender->in.len += (size_t)n;
		hear_all(sender);
	} else if (n == 0) {
		lose(sender, "the server closed the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		lose_link(sender, errno);
	}
	return n > 0 && sender->state == CONNECTED;
}

static void
transmit(struct sender *sender)
{
	struct slice bytes = flight_unsent(&sender->flight);
	ssize_t n = link_write(&sender->link, bytes.data, bytes.len);
	if (n >= 0) {
		/* A slow trickle of new lines must not hide that an old one stays unanswered. */
		if (!flight_is_oldest_sent(&sender->flight))
			extend_deadline(sender);
		flight_advance(&sender->flight, (size_t)n);
		return;
	}
	if (errno == EAGAIN || errno == EINTR)
		return;
	/* What the server answered before it went away must not be asked again. */
	int error = errno;
	if (error == EPIPE) {
		/* A local one that stops takes nothing more in, and answers what it has: until its end comes. */
		sender->deaf = true;
		return;
	}
	while (receive(sender))
		;
	if (sender->state == CONNECTED)
		lose_link(sender, error);
}

static void
take_requests(struct sender *sender)
{
	struct slice line;
	while (sender->state != FINISHED && flight_has_room(&sender->flight)) {
		enum source_event event = source_next(sender->source, &line);
		sender->source_ended = event == SOURCE_END;
		if (event != SOURCE_REQUEST)
			return;
		if (sender->flight.count == 0)
			extend_deadline(sender);
		if (flight_push(&sender->flight, line) != 0)
			finish(sender, SENDER_NO_MEMORY);
	}
}

/* Whether the deadline counts: the server owes us something. */
static bool
is_owed(const struct sender *sender)
{
	return sender->state == DIALLING || sender->state == GREETING ||
	       (sender->state == CONNECTED &&
		       (sender->flight.count > 0 || flight_unsent(&sender->flight).len > 0));
}

static int
poll_ms(const struct sender *sender)
{
	int64_t now_ms = clock_mono_ms();
	int64_t until_ms = INT64_MAX;
	if (is_owed(sender))
		until_ms = sender->deadline_ms;
	else if (sender->state == APART && sender->flight.count > 0)
		until_ms = sender->retry_at_ms;
	if (sender->watch->tick_ms > 0 && until_ms > now_ms + sender->watch->tick_ms)
		until_ms = now_ms + sender->watch->tick_ms;
	if (until_ms == INT64_MAX)
		return -1;
	int64_t ms = until_ms > now_ms ? until_ms - now_ms : 0;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Whether there is something to be sent now. */
static bool
has_more(const struct sender *sender)
{
	return !sender->deaf && flight_unsent(&sender->flight).len > 0;
}

static struct pollfd
connection_events(const struct sender *sender)
{
	if (sender->state == DIALLING)
		return (struct pollfd){.fd = sender->dial.fd, .events = POLLOUT};
	short events = link_read_events(&sender->link);
	if (sender->state == CONNECTED && has_more(sender))
		events |= link_write_events(&sender->link);
	return (struct pollfd){.fd = sender->link.fd, .events = events};
}

static void
converse(struct sender *sender, short revents)
{
	short trouble = (short)(revents & ~(POLLIN | POLLOUT));
	if ((revents & link_read_events(&sender->link)) || trouble != 0)
		receive(sender);
	if (sender->state == CONNECTED && (revents & link_write_events(&sender->link)) &&
		has_more(sender))
		transmit(sender);
}

static void
give_up_waiting(struct sender *sender)
{
	if (sender->state == CONNECTED) {
		lose(sender, "no answer in time");
	} else if (sender->state == GREETING) {
		lose(sender, "no TLS handshake in time: does the server speak TLS there?");
	} else {
		sender->dial.reason = strerror(ETIMEDOUT);
		follow_dial(sender, DIAL_FAILED);
	}
}

static void
serve_connection(struct sender *sender, short revents)
{
	if (revents != 0 && sender->state == DIALLING) {
		follow_dial(sender, dial_finish(&sender->dial));
		return;
	}
	if (revents != 0 && sender->state == GREETING)
		greet(sender);
	else if (sender->state == CONNECTED)
		converse(sender, revents);
	if (is_owed(sender) && clock_mono_ms() >= sender->deadline_ms)
		give_up_waiting(sender);
}

static void
wait_for_events(struct sender *sender)
{
	bool hungry = flight_has_room(&sender->flight);
	struct pollfd fds[] = {
		connection_events(sender),
		{.fd = hungry ? sender->source->fd : -1, .events = POLLIN},
	};
	if (poll(fds, 2, poll_ms(sender)) < 0)
		return; /* interrupted, or short of memory for a moment */
	serve_connection(sender, fds[0].revents);
	if (fds[1].revents != 0)
		source_fill(sender->source);
}

struct sender_result
sender_run(const struct sender_options *options, const struct sender_watch *watch,
	struct source *source)
{
	struct sender sender = {
		.options = options,
		.watch = watch,
		.source = source,
		.dial = {.fd = -1},
		.link = {.fd = -1},
	};
	if (flight_init(&sender.flight, options->window) != 0)
		finish(&sender, SENDER_NO_MEMORY);
	while (sender.state != FINISHED) {
		take_requests(&sender);
		if (sender.source_ended && sender.flight.count == 0)
			finish(&sender, SENDER_DONE);
		connect_when_due(&sender);
		if (sender.state != FINISHED)
			wait_for_events(&sender);
		watch->tick(watch->context);
	}
	sender.result.unanswered = sender.flight.count;
	disconnect(&sender);
	buf_fini(&sender.in);
	flight_fini(&sender.flight);
	return sender.result;
}
