/* SPDX-License-Identifier: ISC */
/*
 * The clients: each keeps its window full and books every answer.  A thread serves its share of
 * them with epoll.  A line costs the copying of ten digits, so that the server is measured and
 * not this program.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/loadgen.h"

enum {
	BLOCK_BYTES = 64 * 1024, /* sent at once, where the window allows */
	READ_BYTES = 64 * 1024,
	ANSWER_MAX = 128,
	EVENTS = 64,
	TICK_MS = 100,
	RETRY_US = 20 * 1000,
};

struct client {
	size_t number;
	int fd;
	bool writable_wanted; /* what epoll was told */
	bool finished;        /* all answered, FIN sent */
	struct history *history;
	uint64_t answered;                 /* the next answer belongs to this record */
	char digits[RECORD_NUMBER_DIGITS]; /* of the next record */
	char *block;                       /* lines, of which only the digits change */
	size_t block_lines;
	size_t sent, filled;  /* bytes of the block that are sent, that are to be */
	char cut[ANSWER_MAX]; /* an answer's beginning, when a read ended within it */
	size_t cut_bytes;
	uint64_t probe; /* the record whose answer is timed, when probe_us > 0 */
	int64_t probe_us;
};

/* One thread at work. */
struct shift {
	struct crew *crew;
	const struct plan *plan;
	struct client *clients;
	size_t open; /* clients not done */
	int epoll;
	bool sending; /* the time is not up */
	int64_t now_us, progress_us;
	char *room; /* READ_BYTES + ANSWER_MAX */
};

/* By enum fate. */
static const struct answer {
	const char *name, *line;
	bool closes; /* the connection is refused; no answer to a line */
} answers[] = {
	{"unanswered", "", false},
	{"received", "{\"status\": \"ok\", \"message\": \"received\"}\n", false},
	{"filtered", "{\"status\": \"ok\", \"message\": \"filtered\"}\n", false},
	{"invalid", "{\"status\": \"error\", \"message\": \"invalid JSON\"}\n", false},
	{"not_object", "{\"status\": \"error\", \"message\": \"expected JSON object\"}\n", false},
	{"missing",
		"{\"status\": \"error\", \"message\": \"missing required fields: level, "
		"message\"}\n",
		false},
	{"limited", "{\"status\": \"error\", \"message\": \"rate limit exceeded\"}\n", false},
	{"too_long", "{\"status\": \"error\", \"message\": \"line too long\"}\n", false},
	{"unknown_level", "{\"status\": \"error\", \"message\": \"unknown level\"}\n", false},
	{"failed", "{\"status\": \"error\", \"message\": \"storage failure\"}\n", false},
	{"busy", "{\"status\": \"error\", \"message\": \"server busy\"}\n", true},
	{"denied", "{\"status\": \"error\", \"message\": \"access denied\"}\n", true},
};
enum { ANSWERS = sizeof answers / sizeof answers[0] };
_Static_assert(ANSWERS == FATES + 2, "enum fate is the table's index");

const char *
fate_name(size_t fate)
{
	return answers[fate].name;
}

static int
connect_once(const struct plan *plan)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
	int error = getaddrinfo(plan->host, plan->port, &hints, &found);
	if (error != 0)
		errx(EX_NOHOST, "%s: %s", plan->host, gai_strerror(error));
	int fd = -1;
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
			int reason = errno;
			close(fd);
			fd = -1;
			errno = reason;
		}
	}
	freeaddrinfo(found);
	return fd;
}

static void
client_connect(struct shift *shift, struct client *client)
{
	int64_t deadline_us = now_us() + shift->plan->patience_us;
	while ((client->fd = connect_once(shift->plan)) < 0) {
		if (!shift->plan->reconnect || now_us() > deadline_us)
			err(EX_UNAVAILABLE, "connect %s:%s", shift->plan->host, shift->plan->port);
		usleep(RETRY_US);
	}
	int on = 1;
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	if (epoll_ctl(shift->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
		err(EX_OSERR, "epoll_ctl");
	client->writable_wanted = false;
	client->sent = client->filled = client->cut_bytes = 0;
	client->probe_us = 0;
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
	if (!shift->plan->reconnect || client->finished)
		return;
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

/* How many lines the window, the block and the plan allow now. */
static size_t
lines_due(const struct shift *shift, const struct client *client)
{
	const struct plan *plan = shift->plan;
	uint64_t numbered = client->history->numbered;
	uint64_t due = plan->window - (numbered - client->answered);
	if (!shift->sending)
		return 0;
	if (plan->lines > 0 && due > plan->lines - numbered)
		due = plan->lines - numbered;
	return due < client->block_lines ? (size_t)due : client->block_lines;
}

static void
fill_block(struct shift *shift, struct client *client, size_t lines)
{
	struct history *history = client->history;
	char *digits = client->block + record_number_offset();
	for (size_t i = 0; i < lines; i++, digits += shift->plan->line_bytes) {
		memcpy(digits, client->digits, RECORD_NUMBER_DIGITS);
		record_count_up(client->digits);
	}
	history_reserve(history, history->numbered + lines);
	client->sent = 0;
	client->filled = lines * shift->plan->line_bytes;
	history->numbered += lines;
	if (client->probe_us == 0 && lines > 0) {
		client->probe = history->numbered - 1;
		client->probe_us = now_us();
	}
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

/* Fills the window as far as the socket takes it; with nothing left to do, says so by FIN. */
static void
client_send(struct shift *shift, struct client *client)
{
	for (;;) {
		if (client->sent == client->filled)
			fill_block(shift, client, lines_due(shift, client));
		if (client->filled == 0)
			break;
		ssize_t sent = send(client->fd, client->block + client->sent,
			client->filled - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return; /* reading will tell: answers may still be there */
		if (sent < 0)
			break;
		client->sent += (size_t)sent;
	}
	want_writable(shift, client, client->sent < client->filled);
	bool all = !shift->sending ||
	           (shift->plan->lines > 0 && client->history->numbered == shift->plan->lines);
	if (all && client->answered == client->history->numbered && !client->finished) {
		client->finished = true;
		shutdown(client->fd, SHUT_WR);
	}
}

/* Which answer it is; 0 for none. */
static size_t
answer_find(const char *line, size_t len)
{
	for (size_t i = FATE_RECEIVED; i < ANSWERS; i++) {
		if (strlen(answers[i].line) == len && memcmp(answers[i].line, line, len) == 0)
			return i;
	}
	return 0;
}

static void
book_answer(struct shift *shift, struct client *client, const char *line, size_t len)
{
	size_t found = answer_find(line, len);
	if (found == 0)
		violation("client %zu: not an answer: %.*s", client->number, (int)len - 1, line);
	else if (answers[found].closes)
		shift->crew->refused++;
	else if (client->answered == client->history->numbered)
		violation("client %zu: an answer too many: %s", client->number, fate_name(found));
	else {
		client->history->fates[client->answered] = (uint8_t)found;
		shift->crew->fates[found]++;
		client->answered++;
	}
}

/* Books all whole answers; keeps the beginning of the last one. */
static void
book_answers(struct shift *shift, struct client *client, const char *at, const char *end)
{
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL)
			break;
		book_answer(shift, client, at, (size_t)(newline + 1 - at));
		at = newline + 1;
	}
	client->cut_bytes = (size_t)(end - at);
	if (client->cut_bytes > sizeof client->cut) {
		violation(
			"client %zu: an answer of more than %d bytes", client->number, ANSWER_MAX);
		client->cut_bytes = 0;
	}
	memcpy(client->cut, at, client->cut_bytes);
	if (client->probe_us > 0 && client->answered > client->probe) {
		histogram_add(&shift->crew->answer_times, now_us() - client->probe_us);
		client->probe_us = 0;
	}
}

static void
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
	} else if (client->finished && got == 0 && client->cut_bytes == 0)
		client_close(shift, client);
	else
		client_broken(shift, client, got < 0 ? strerror(errno) : "closed by the server");
}

static void
check_times(struct shift *shift)
{
	const struct plan *plan = shift->plan;
	shift->now_us = now_us();
	if (shift->now_us - shift->progress_us > plan->patience_us) {
		violation("no answer for %" PRId64 " s", plan->patience_us / 1000000);
		shift->open = 0;
		return;
	}
	if (!shift->sending || plan->run_us == 0 ||
		shift->now_us - shift->crew->begin_us < plan->run_us)
		return;
	shift->sending = false;
	for (size_t i = 0; i < shift->crew->count; i++) {
		if (shift->clients[i].fd >= 0)
			client_send(shift, &shift->clients[i]);
	}
}

static void
serve(struct shift *shift)
{
	struct epoll_event events[EVENTS];
	for (size_t i = 0; i < shift->crew->count; i++)
		client_send(shift, &shift->clients[i]);
	while (shift->open > 0) {
		int count = epoll_wait(shift->epoll, events, EVENTS, TICK_MS);
		check_times(shift);
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;
			if (client->fd >= 0 && events[i].events & ~(unsigned)EPOLLOUT)
				client_receive(shift, client);
			if (client->fd >= 0)
				client_send(shift, client);
		}
	}
	shift->crew->end_us = shift->progress_us;
}

static void
client_init(struct shift *shift, struct client *client, size_t number)
{
	const struct plan *plan = shift->plan;
	size_t lines = BLOCK_BYTES / plan->line_bytes;
	if (lines > plan->window)
		lines = plan->window;
	*client = (struct client){.number = number, .block_lines = lines > 0 ? lines : 1};
	client->history = &shift->crew->histories[number];
	memset(client->digits, '0', sizeof client->digits);
	client->block = malloc(client->block_lines * plan->line_bytes);
	if (client->block == NULL)
		err(EX_OSERR, "client %zu", number);
	for (size_t i = 0; i < client->block_lines; i++)
		record_template(client->block + i * plan->line_bytes, plan->line_bytes, number);
	client_connect(shift, client);
}

void *
crew_run(void *argument)
{
	struct crew *crew = argument;
	struct shift shift = {.crew = crew, .plan = crew->plan, .sending = true};

	shift.epoll = epoll_create1(EPOLL_CLOEXEC);
	shift.clients = calloc(crew->count, sizeof *shift.clients);
	shift.room = malloc(READ_BYTES + ANSWER_MAX);
	if (shift.epoll < 0 || shift.clients == NULL || shift.room == NULL)
		err(EX_OSERR, "thread");
	for (size_t i = 0; i < crew->count; i++)
		client_init(&shift, &shift.clients[i], crew->first + i);
	pthread_barrier_wait(crew->start);
	shift.now_us = shift.progress_us = crew->begin_us = now_us();
	serve(&shift);
	for (size_t i = 0; i < crew->count; i++) {
		if (shift.clients[i].fd >= 0)
			close(shift.clients[i].fd);
		free(shift.clients[i].block);
	}
	free(shift.clients);
	free(shift.room);
	close(shift.epoll);
	return NULL;
}
