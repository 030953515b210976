/* SPDX-License-Identifier: ISC */
/*
 * The kernel's limit: what a server with the daemon's processes and threads would do that has nothing to
 * decide.  A thread for each client reads, writes the whole lines to the file as they are, in one
 * write, and answers each of them, in one send, scheduled as the daemon is.  No JSON, no lock, no counter: how far
 * the daemon is from this is what the daemon costs.  With --sync it is no limit: it syncs for each batch alone.
 *
 *	limit --log FILE [--workers N] [--sync]
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

/* The sizes are the daemon's. */
enum {
	WORKERS_MAX = 64,
	BACKLOG = 511,
	STACK_BYTES = 256 * 1024,
	FIRST_BYTES = 4096,
	WARM_BYTES = 128 * 1024,
	BUFFER_MAX_BYTES = 2 << 20, /* with a line of a megabyte in it */
};
#define ANSWER "{\"status\": \"ok\", \"message\": \"received\"}\n"

static struct {
	const char *log;
	int workers;
	bool sync; /* each write is to be on the disk before its answers are sent */
} plan = {.workers = 2};

static int file; /* of this worker */

struct client {
	int fd;
	char *data;
	size_t len, cap;
	char *answers;
	size_t answers_cap;
};

static char *
grown(char *data, size_t bytes)
{
	char *more = realloc(data, bytes);
	if (more == NULL)
		err(EX_OSERR, "memory");
	return more;
}

/* The buffer doubles when it is full: at once for a long line, otherwise up to the warm size. */
static void
make_room(struct client *client, bool filled)
{
	size_t cap = client->cap;
	if (client->len == cap || (filled && cap < WARM_BYTES))
		cap *= 2;
	if (cap > client->cap)
		client->data = grown(client->data, cap);
	client->cap = cap;
}

static bool
send_all(int fd, const char *at, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		at += sent;
		len -= (size_t)sent;
	}
	return true;
}

static bool
answer(struct client *client, size_t lines)
{
	size_t len = lines * (sizeof ANSWER - 1), made = client->answers_cap;
	if (len > made) {
		client->answers = grown(client->answers, len);
		for (; made < len; made += sizeof ANSWER - 1)
			memcpy(client->answers + made, ANSWER, sizeof ANSWER - 1);
		client->answers_cap = len;
	}
	return send_all(client->fd, client->answers, len);
}

/* Where the whole lines end. */
static size_t
find_lines(const struct client *client, size_t from, size_t *lines)
{
	const char *at = client->data + from, *end = client->data + client->len, *newline;
	size_t whole = 0;
	for (*lines = 0; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; ++*lines) {
		at = newline + 1;
		whole = (size_t)(at - client->data);
	}
	return whole;
}

/* One batch: what one read has brought. */
static bool
serve_batch(struct client *client)
{
	size_t before = client->len, lines;
	ssize_t got = recv(client->fd, client->data + before, client->cap - before, 0);
	if (got <= 0)
		return false;
	client->len += (size_t)got;
	bool filled = client->len == client->cap;
	size_t whole = find_lines(client, before, &lines);
	if (whole > 0) {
		if (write(file, client->data, whole) != (ssize_t)whole ||
			(plan.sync && fdatasync(file) != 0))
			err(EX_IOERR, "%s", plan.log);
		if (!answer(client, lines))
			return false;
		client->len -= whole;
		memmove(client->data, client->data + whole, client->len);
	}
	make_room(client, filled);
	return client->cap <= BUFFER_MAX_BYTES;
}

static void *
client_run(void *argument)
{
	struct client client = {.fd = (int)(intptr_t)argument, .cap = FIRST_BYTES};
	int on = 1;
	setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	client.data = grown(NULL, client.cap);
	while (serve_batch(&client))
		continue;
	close(client.fd);
	free(client.data);
	free(client.answers);
	return NULL;
}

static _Noreturn void
worker_run(int listener, const sigset_t *signals)
{
	pthread_attr_t attributes;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	file = open(plan.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0)
		err(EX_CANTCREAT, "%s", plan.log);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd >= 0 &&
			pthread_create(&thread, &attributes, client_run, (void *)(intptr_t)fd) != 0)
			close(fd);
	}
}

static int
listen_somewhere(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		err(EX_UNAVAILABLE, "listen");
	fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
	return fd;
}

static void
parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"log", required_argument, NULL, 'l'},
		{"workers", required_argument, NULL, 'w'},
		{"sync", no_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	const char *problem = NULL;
	int letter;
	while (problem == NULL && (letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 'l')
			plan.log = optarg;
		else if (letter == 'w')
			plan.workers = (int)strtonum(optarg, 1, WORKERS_MAX, &problem);
		else if (letter == 's')
			plan.sync = true;
		else
			problem = "unknown option";
	}
	if (problem != NULL || optind < argc || plan.log == NULL)
		errx(EX_USAGE, "usage: limit --log FILE [--workers N] [--sync]");
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	pid_t workers[WORKERS_MAX];
	sigset_t signals;
	int signal;

	parse_options(argc, argv);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	sigemptyset(&signals);
	for (size_t i = 0; i < 3; i++)
		sigaddset(&signals, (const int[]){SIGTERM, SIGINT, SIGCHLD}[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	int listener = listen_somewhere();
	for (int i = 0; i < plan.workers; i++) {
		workers[i] = fork();
		if (workers[i] < 0)
			err(EX_OSERR, "fork");
		if (workers[i] == 0)
			worker_run(listener, &signals);
	}
	sigwait(&signals, &signal);
	for (int i = 0; i < plan.workers; i++)
		kill(workers[i], SIGKILL);
	while (wait(NULL) > 0)
		continue;
	return signal == SIGCHLD ? EX_SOFTWARE : EXIT_SUCCESS;
}
