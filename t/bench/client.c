/* SPDX-License-Identifier: ISC */
/* The life of one client. */
#include "bench/client.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	BLOCK_BYTES = 64 * 1024, /* sent at once, where the window allows */
	BLOCK_LEAST_BYTES = 4 * 1024,
	BLOCKS_ALL_BYTES = 256 * 1024 * 1024,
	TURN_BLOCKS = 16, /* sent before other clients have their turn */
	RETRY_US = 20 * 1000,
};

static void
client_connect(struct shift *shift, struct client *client)
{
	const struct plan *plan = shift->plan;
	client->connecting_us = now_us();
	int64_t deadline_us = client->connecting_us + (int64_t)plan->patience * MILLION;
	while ((client->fd = dial(plan)) < 0) {
		if (!plan->reconnect || now_us() > deadline_us)
			err(EX_UNAVAILABLE, "connect %s:%s", plan->host, plan->port);
		usleep(RETRY_US);
	}
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	if (epoll_ctl(shift->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
		err(EX_OSERR, "epoll_ctl");
	client->writable_wanted = client->parting = false;
	client->unsent_bytes = client->cut_bytes = 0;
	client->probe_us = 0;
	client->connection_ends = plan->per_connection > 0
	                                  ? client->history->numbered + plan->per_connection
	                                  : UINT64_MAX;
	shift->open++;
}

static void
client_close(struct shift *shift, struct client *client)
{
	close(client->fd);
	client->fd = -1;
	shift->open--;
}

/* The connection is gone before all was answered: what is unanswered stays so. */
static void
client_broken(struct shift *shift, struct client *client, const char *reason)
{
	uint64_t unanswered = client->history->numbered - client->answered;
	client_close(shift, client);
	if (!shift->plan->reconnect)
		violation("client %zu: %s with %" PRIu64 " lines unanswered", client->number,
			reason, unanswered);
	if (client->finished)
		return;
	if (!shift->plan->reconnect) {
		shift->unfinished--;
		return;
	}
	client->answered = client->history->numbered;
	shift->crew->reconnects++;
	client_connect(shift, client);
}

static void
history_reserve(struct history *history, uint64_t records)
{
	if (records <= history->cap)
		return;
	size_t cap = history->cap * 2 > records ? history->cap * 2 : (size_t)records;
	uint8_t *fates = realloc(history->fates, cap);
	if (fates == NULL)
		err(EX_OSERR, "records");
	memset(fates + history->cap, FATE_UNANSWERED, cap - history->cap);
	history->fates = fates;
	history->cap = cap;
}

/* When the rate wants this record to be sent. */
static int64_t
due_us(const struct shift *shift, const struct client *client, uint64_t number)
{
	uint64_t slot = number * shift->crew->count + client->place;
	return shift->crew->begin_us + (int64_t)((double)slot * shift->slot_us);
}

/* The lines of this client that the rate has let become due; it has never numbered more. */
static uint64_t
slots_of(const struct shift *shift, const struct client *client)
{
	size_t count = shift->crew->count;
	return (shift->slots + count - 1 - client->place) / count;
}

/* How many lines the rate or the window, the connection, the plan and the block allow now. */
static size_t
lines_due(const struct shift *shift, const struct client *client)
{
	const struct plan *plan = shift->plan;
	uint64_t numbered = client->history->numbered, due;

	if (!shift->sending && plan->rate == 0)
		return 0;
	if (plan->rate > 0)
		due = slots_of(shift, client) - numbered;
	else
		due = plan->window - (numbered - client->answered);
	if (due > client->connection_ends - numbered)
		due = client->connection_ends - numbered;
	if (plan->lines > 0 && due > plan->lines - numbered)
		due = plan->lines - numbered;
	return due < client->block_lines ? (size_t)due : client->block_lines;
}

/* Starts the clock for the last line of those filled in, when none is timed. */
static void
start_probe(struct shift *shift, struct client *client, uint64_t first)
{
	int64_t now = now_us();
	if (shift->plan->rate > 0) {
		histogram_add(&shift->crew->lateness, now - due_us(shift, client, first));
	} else if (client->probe_us == 0) {
		client->probe = client->history->numbered - 1;
		client->probe_us = client->connecting_us > 0 ? client->connecting_us : now;
	}
	client->connecting_us = 0;
}

static void
fill_block(struct shift *shift, struct client *client, size_t lines)
{
	const struct shape *shape = &shift->plan->shape;
	struct history *history = client->history;
	uint64_t first = history->numbered;
	char *start = client->block + first % shape->period * shape->line_bytes;
	char *digits = start + shape->number_at;

	for (size_t i = 0; i < lines; i++, digits += shape->line_bytes) {
		memcpy(digits, client->digits, RECORD_NUMBER_DIGITS);
		record_count_up(client->digits);
	}
	history_reserve(history, first + lines);
	history->numbered += lines;
	client->unsent = start;
	client->unsent_bytes = lines * shape->line_bytes;
	if (lines > 0)
		start_probe(shift, client, first);
}

static void
want_writable(struct shift *shift, struct client *client, bool wanted)
{
	if (client->writable_wanted == wanted)
		return;
	struct epoll_event event = {.data.ptr = client};
	event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
	if (epoll_ctl(shift->epoll, EPOLL_CTL_MOD, client->fd, &event) != 0)
		err(EX_OSERR, "epoll_ctl");
	client->writable_wanted = wanted;
}

static void
settle(struct shift *shift, struct client *client, enum fate fate)
{
	client->history->fates[client->answered] = (uint8_t)fate;
	shift->crew->fates[fate]++;
	client->answered++;
}

/* Without answers a line that was sent counts as answered with what is to become of it. */
static void
settle_sent(struct shift *shift, struct client *client)
{
	while (client->answered < client->history->numbered)
		settle(shift, client, record_fate(shift->plan, client->answered));
}

/* Sends the block, or fills it and sends it; false when there is no line or no room for one now. */
static bool
send_block(struct shift *shift, struct client *client)
{
	if (client->unsent_bytes == 0)
		fill_block(shift, client, lines_due(shift, client));
	if (client->unsent_bytes == 0)
		return false;
	ssize_t sent = send(
		client->fd, client->unsent, client->unsent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return errno ==
		       EINTR; /* of an error reading will tell: answers may still be there */
	client->unsent += sent;
	client->unsent_bytes -= (size_t)sent;
	if (shift->plan->no_answers) {
		shift->progress_us = shift->now_us;
		if (client->unsent_bytes == 0)
			settle_sent(shift, client);
	}
	return true;
}

/* Whether there will be no more lines.  With a rate, those that became due in time are still sent. */
static bool
all_numbered(const struct shift *shift, const struct client *client)
{
	uint64_t lines = shift->plan->lines;
	if (lines > 0 && client->history->numbered == lines)
		return true;
	return !shift->sending && (shift->plan->rate == 0 || lines_due(shift, client) == 0);
}

void
client_part(struct shift *shift, struct client *client)
{
	want_writable(shift, client, false);
	client->parting = true;
	shutdown(client->fd, SHUT_WR);
}

/*
 * All lines of the connection are answered.  Without answers the server's FIN is the answer to ours: it says
 * that there is room for another connection.  True when there is a new one.
 */
static bool
connection_end(struct shift *shift, struct client *client)
{
	if (shift->plan->no_answers) {
		if (!client->parting)
			client_part(shift, client);
		return false;
	}
	client_close(shift, client);
	client_connect(shift, client);
	return true;
}

void
client_send(struct shift *shift, struct client *client)
{
	size_t turns = 0;
	while (turns < TURN_BLOCKS && send_block(shift, client))
		turns++;
	bool all = all_numbered(shift, client);
	bool answered = client->answered == client->history->numbered;
	if (answered && !all && client->answered == client->connection_ends)
		turns = connection_end(shift, client) ? TURN_BLOCKS : 0;
	want_writable(shift, client, client->unsent_bytes > 0 || (turns == TURN_BLOCKS && !all));
	if (all && answered && !client->finished) {
		client->finished = true;
		shift->unfinished--;
	}
}

/* With a rate every answer is timed, from when its line was due, otherwise that to the probe. */
static void
book_time(struct shift *shift, struct client *client, int64_t now)
{
	if (shift->plan->rate > 0) {
		int64_t due = due_us(shift, client, client->answered);
		histogram_add(&shift->crew->answer_times, now - due);
	} else if (client->probe_us > 0 && client->answered == client->probe) {
		histogram_add(&shift->crew->answer_times, now - client->probe_us);
		client->probe_us = 0;
	}
}

static void
book_answer(struct shift *shift, struct client *client, const char *line, size_t len, int64_t now)
{
	int fate = answer_read(line, len);
	if (fate == ANSWER_NONE) {
		violation("client %zu: not an answer: %.*s", client->number, (int)len - 1, line);
	} else if (fate == ANSWER_REFUSED) {
		shift->crew->refused++;
	} else if (client->answered == client->history->numbered) {
		violation("client %zu: an answer too many: %s", client->number,
			fate_name((size_t)fate));
	} else {
		enum fate wanted = record_fate(shift->plan, client->answered);
		if (fate <= FATE_FILTERED && fate != (int)wanted)
			violation("record %" PRIu64 " of client %zu was answered %s, not %s",
				client->answered, client->number, fate_name((size_t)fate),
				fate_name(wanted));
		book_time(shift, client, now);
		settle(shift, client, (enum fate)fate);
	}
}

/* Books all whole answers; keeps the beginning of the last one. */
static void
book_answers(struct shift *shift, struct client *client, const char *at, const char *end)
{
	int64_t now = now_us();
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL)
			break;
		book_answer(shift, client, at, (size_t)(newline + 1 - at), now);
		at = newline + 1;
	}
	client->cut_bytes = (size_t)(end - at);
	if (client->cut_bytes > sizeof client->cut) {
		violation(
			"client %zu: an answer of more than %d bytes", client->number, ANSWER_MAX);
		client->cut_bytes = 0;
	}
	memcpy(client->cut, at, client->cut_bytes);
}

void
client_receive(struct shift *shift, struct client *client)
{
	memcpy(shift->room, client->cut, client->cut_bytes);
	ssize_t got = recv(client->fd, shift->room + client->cut_bytes, READ_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		shift->progress_us = shift->now_us;
		book_answers(
			shift, client, shift->room, shift->room + client->cut_bytes + (size_t)got);
	} else if (client->parting && got == 0 && client->cut_bytes == 0) {
		client_close(shift, client);
		if (!client->finished)
			client_connect(shift, client);
	} else {
		client_broken(shift, client, got < 0 ? strerror(errno) : "closed by the server");
	}
}

/* So many clients cannot have blocks of the usual size. */
static size_t
block_lines(const struct plan *plan)
{
	size_t bytes = BLOCKS_ALL_BYTES / plan->clients;
	bytes = bytes > BLOCK_BYTES ? BLOCK_BYTES : bytes;
	bytes = bytes < BLOCK_LEAST_BYTES ? BLOCK_LEAST_BYTES : bytes;
	size_t lines = bytes / plan->line_bytes;
	if (plan->rate == 0 && lines > plan->window)
		lines = plan->window;
	return lines > 0 ? lines : 1;
}

void
client_init(struct shift *shift, struct client *client, size_t place)
{
	const struct shape *shape = &shift->plan->shape;
	size_t number = shift->crew->first + place;
	*client = (struct client){
		.number = number, .place = place, .block_lines = block_lines(shift->plan)};
	client->history = &shift->crew->histories[number];
	memset(client->digits, '0', sizeof client->digits);

	/* A block may begin with any line of the period. */
	size_t lines = client->block_lines + shape->period - 1;
	client->block = malloc(lines * shape->line_bytes);
	if (client->block == NULL)
		err(EX_OSERR, "client %zu", number);
	for (size_t i = 0; i < lines; i++) {
		char *line = client->block + i * shape->line_bytes;
		memcpy(line, shape->lines + i % shape->period * shape->line_bytes,
			shape->line_bytes);
		record_sign(shape, line, number);
	}
	client_connect(shift, client);
	client->connecting_us = 0; /* only who connects anew counts that as part of the answer */
}

void
client_fini(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->block);
}
