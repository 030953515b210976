/* SPDX-License-Identifier: ISC */
/*
 * Whole connections: a real socket, the data path of a worker, a real log file.  The input is a recipe, not the bytes that
 * are sent: lines of every kind, packed or not, cut anywhere, behind a header or none, ended or reset.  So the verdicts are
 * known beforehand; every answer, in its order, and the lines of the file are held against them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/record.h"
#include "fuzz/expect.h"
#include "lib/packed.h"
#include "serve/conn.h"
#include "serve/worklog.h"
#include "settings/load.h"
#include "shm/shared.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MAX_LINE = 200, /* as the settings say */
	STEPS_MAX = 64,
	PATIENCE_S = 10,
	LOG_BYTES_MAX = 64 << 20,
	OWN_ADDRESSES = 1000,
};

static const char settings_text[] =
	"MaxLineLength 200\nBufferSize 16\nRateLimit off\nLogFormat raw\n"
	"SendTimeout 10\nErrorLog /dev/null\n";

/* What connections need of a worker. */
static struct worker {
	struct shared shared;
	struct view_desk desk;
	struct batches batches;
	struct conn_world world;
	struct worklog worklog;
	struct logfile_mark mark;
	struct troubles troubles;
	atomic_bool draining, leaving, cooled;
	int listener;
	struct sockaddr_in address;
	char log[SETTINGS_PATH_MAX];
	off_t log_bytes; /* that were looked at */
} worker;

/* What is left of the recipe. */
struct recipe {
	const uint8_t *at, *end;
};

/* One connection as it is to be, and what is to come of it. */
struct visit {
	uint32_t options;
	bool reset;    /* instead of an end; what is answered is not known then */
	bool refused;  /* for what it says before its first line: nothing is answered or stored */
	uint32_t cuts; /* where the stream is cut into sends */
	struct buf sent;
	struct buf answers;
	struct buf stored;
};

static uint8_t
take(struct recipe *recipe)
{
	return recipe->at < recipe->end ? *recipe->at++ : 0;
}

static struct slice
take_bytes(struct recipe *recipe, size_t most)
{
	size_t left = (size_t)(recipe->end - recipe->at);
	size_t len = take(recipe) % (most + 1);
	struct slice bytes = {(const char *)recipe->at, 0};
	left = (size_t)(recipe->end - recipe->at);
	bytes.len = len < left ? len : left;
	recipe->at += bytes.len;
	return bytes;
}

/* What the line is to come to. */
static void
predict(struct visit *visit, struct slice line)
{
	static const struct policy policy = {
		.min_level = LEVEL_INFO, .log_format = LOG_FORMAT_RAW, .persist = 1};
	struct decoder decoder = {0};
	struct record record;
	struct slice text = slice_trim(line);
	enum verdict verdict = VERDICT_TOO_LONG;
	if (text.len == 0)
		return;
	if (line.len <= MAX_LINE)
		verdict = record_judge(text, &policy, &decoder, &record);
	buf_append(&visit->answers, reply_line(verdict));
	if (verdict == VERDICT_RECEIVED) {
		buf_append(&visit->stored, text);
		buf_append(&visit->stored, (struct slice)SLICE("\n"));
	}
	decoder_fini(&decoder);
}

/* These put one line into `out`, without its newline. */

typedef void line_maker(struct recipe *recipe, struct buf *out);

static void
put_record(struct recipe *recipe, struct buf *out)
{
	static const char *const levels[] = {"ERROR", "debug", " Info ", "nonsense", "crit"};
	const char *level = levels[take(recipe) % (sizeof levels / sizeof levels[0])];
	struct slice message = take_bytes(recipe, 60);
	buf_printf(out, " {\"level\": \"%s\", \"message\": \"", level);
	for (size_t i = 0; i < message.len; i++)
		buf_printf(out, "\\u%04x", (unsigned)(unsigned char)message.data[i]);
	buf_printf(out, "\"}");
}

/* Whatever bytes, but for a newline, and for a zero that could begin a packed frame. */
static void
put_bytes(struct recipe *recipe, struct buf *out)
{
	struct slice bytes = take_bytes(recipe, 255);
	for (size_t i = 0; i < bytes.len; i++) {
		char c = bytes.data[i];
		bool plain = c != '\n' && (c != '\0' || i > 0);
		buf_append(out, (struct slice){plain ? &c : " ", 1});
	}
}

static void
put_long(struct recipe *recipe, struct buf *out)
{
	size_t len = MAX_LINE - 4 + take(recipe) % 8u * (1u + take(recipe) % 4u * 40u);
	char *to = buf_reserve(out, len);
	EXPECT(to != NULL);
	memset(to, take(recipe) % 2 ? 'x' : ' ', len);
	buf_extend(out, to + len);
}

static void
put_odd(struct recipe *recipe, struct buf *out)
{
	static const char *const lines[] = {"", " \r", "[1]", "{\"level\":\"ERROR\"}", "{}", "{",
		"null", "{\"message\":1,\"level\":2}", "\v\f", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r"};
	buf_append(out, slice_of(lines[take(recipe) % (sizeof lines / sizeof lines[0])]));
}

static line_maker *const line_makers[] = {put_record, put_record, put_bytes, put_long, put_odd};

/* Appends a line to `out` and says what it comes to; the last one may have no newline. */
static void
put_line(struct visit *visit, struct recipe *recipe, struct buf *out, bool ended)
{
	struct buf line = {0};
	line_makers[take(recipe) % (sizeof line_makers / sizeof line_makers[0])](recipe, &line);
	predict(visit, buf_slice(&line));
	buf_append(out, buf_slice(&line));
	if (ended)
		buf_append(out, (struct slice)SLICE("\n"));
	buf_fini(&line);
}

/* Lines in a packed frame, which ends the last of them; or a frame whose checksum or length is not that of its bytes. */
static void
put_packed(struct visit *visit, struct recipe *recipe)
{
	struct buf text = {0};
	uint8_t how = take(recipe);
	bool broken = how % 4 == 0;
	for (int lines = how / 4 % 8; lines > 0; lines--)
		put_line(visit, recipe, &text, lines > 1 || broken || how & 32);
	packed_frame(&visit->sent, buf_slice(&text));
	if (broken) {
		visit->sent.data[visit->sent.len - 1 - how / 32] ^= 1;
		buf_append(&visit->answers, reply_line(VERDICT_INVALID));
	}
	buf_fini(&text);
}

/* What a load balancer says of its client. */
static void
put_header(struct visit *visit, struct recipe *recipe)
{
	static const struct {
		struct slice bytes;
		bool good;
	} headers[] = {
		{SLICE("PROXY TCP4 192.0.2.7 192.0.2.1 4000 9000\r\n"), true},
		{SLICE("PROXY TCP6 2001:db8::7 2001:db8::1 4000 9000\r\n"), true},
		{SLICE("PROXY UNKNOWN\r\n"), true},
		{SLICE("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), true},
		{SLICE("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\1\x0f\xa0\x23\x28"),
			true},
		{SLICE("PROXY TCP4 192.0.2.7\r\n"), false},
		{SLICE("PROXY TCP4 192.0.2.7 192.0.2.1 4000 90000\r\n"), false},
		{SLICE("\r\n\r\n\0\r\nQUIT\n\x41\x11\0\x0c"), false},
		{SLICE("{\"level\": \"ERROR\", \"message\": \"no header\"}\n"), false},
		{SLICE("PROX Y"), false},
	};
	size_t kind = take(recipe) % (sizeof headers / sizeof headers[0]);
	buf_append(&visit->sent, headers[kind].bytes);
	visit->refused = !headers[kind].good;
}

static void
plan_visit(struct visit *visit, struct recipe *recipe)
{
	uint8_t how = take(recipe);
	visit->options = how & (LISTEN_NOACK | LISTEN_PROXY | LISTEN_GZIP);
	visit->reset = how >> 6 == 3;
	if (visit->options & LISTEN_PROXY)
		put_header(visit, recipe);
	visit->cuts = take(recipe) * 257u + take(recipe);
	bool ended = how & 1;
	for (int i = 0; i < STEPS_MAX && recipe->at < recipe->end; i++) {
		if (visit->options & LISTEN_GZIP && take(recipe) % 16 == 0)
			put_packed(visit, recipe);
		else
			put_line(visit, recipe, &visit->sent, true);
	}
	if (!ended)
		put_line(visit, recipe, &visit->sent, false);
	if (visit->options & LISTEN_NOACK || visit->refused)
		buf_clear(&visit->answers);
	if (visit->refused)
		buf_clear(&visit->stored);
}

/* From one loopback address after the other: a single one has no ports left after thirty thousand connections a minute. */
static int
connect_client(void)
{
	static uint32_t count;
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	const struct sockaddr_in own = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (count++ % OWN_ADDRESSES))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	EXPECT(bind(fd, (const struct sockaddr *)&own, sizeof own) == 0);
	/* The fuzzer's own clock would interrupt it. */
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	EXPECT(connect(fd, (struct sockaddr *)&worker.address, sizeof worker.address) == 0);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	return fd;
}

/* As a client's thread does it. */
static void *
serve(void *argument)
{
	struct conn *conn = argument;
	bool linger = conn_serve(conn);
	if (linger)
		conn_linger(conn);
	conn_close(conn, linger);
	conn_fini(conn);
	return NULL;
}

static void
send_all(int fd, struct slice bytes, uint32_t cuts)
{
	while (bytes.len > 0) {
		size_t len = 1 + cuts % 61 * (cuts % 7);
		cuts = cuts * 1664525 + 1013904223;
		if (len > bytes.len)
			len = bytes.len;
		/* It may have been closed for what came before. */
		if (send(fd, bytes.data, len, MSG_NOSIGNAL) != (ssize_t)len)
			return;
		bytes.data += len;
		bytes.len -= len;
	}
}

/* Up to the end; who is refused may be told so by a reset. */
static void
read_all(int fd, bool refused, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, 4096);
		EXPECT(room != NULL);
		ssize_t n = recv(fd, room, 4096, 0);
		/* The fuzzer's own clock. */
		if (n < 0 && errno == EINTR)
			continue;
		EXPECT(n >= 0 || (refused && errno == ECONNRESET));
		if (n <= 0)
			return;
		buf_extend(out, room + n);
	}
}

/* What the file has got since it was looked at last. */
static void
read_log(struct buf *out)
{
	struct stat status;
	FILE *file = fopen(worker.log, "r");
	EXPECT(file != NULL && fstat(fileno(file), &status) == 0);
	size_t size = (size_t)(status.st_size - worker.log_bytes);
	char *room = buf_reserve(out, size + 1);
	EXPECT(room != NULL && fseeko(file, worker.log_bytes, SEEK_SET) == 0);
	EXPECT(fread(room, 1, size, file) == size);
	buf_extend(out, room + size);
	fclose(file);
	worker.log_bytes = status.st_size;
	if (status.st_size < LOG_BYTES_MAX)
		return;
	EXPECT(truncate(worker.log, 0) == 0);
	worker.log_bytes = 0;
}

/* After a reset some of the lines, the first ones, are stored; else all. */
static void
check_stored(const struct visit *visit)
{
	struct buf stored = {0};
	read_log(&stored);
	EXPECT(visit->reset ? stored.len <= visit->stored.len : stored.len == visit->stored.len);
	EXPECT(stored.len == 0 || stored.data[stored.len - 1] == '\n');
	EXPECT(stored.len == 0 || memcmp(stored.data, visit->stored.data, stored.len) == 0);
	buf_fini(&stored);
}

static void
pay_visit(const struct visit *visit)
{
	const struct linger none = {.l_onoff = 1};
	struct conn conn;
	struct buf answers = {0};
	bool too_many;
	pthread_t thread;
	int client = connect_client();
	struct arrival arrival = {
		.options = visit->options, .fd = accept(worker.listener, NULL, NULL)};
	EXPECT(arrival.fd >= 0);
	arrival.address = address_from_sockaddr((struct sockaddr *)&worker.address);
	int place = roster_enter(worker.shared.roster, 0, &arrival.address, 0, &too_many);
	EXPECT(place >= 0);
	conn_init(&conn, &worker.world, &arrival, place);
	EXPECT(pthread_create(&thread, NULL, serve, &conn) == 0);
	send_all(client, buf_slice(&visit->sent), visit->cuts);
	if (visit->reset) {
		setsockopt(client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	} else {
		shutdown(client, SHUT_WR);
		read_all(client, visit->refused, &answers);
		EXPECT(slice_equal(buf_slice(&answers), buf_slice(&visit->answers)));
	}
	close(client);
	pthread_join(thread, NULL);
	roster_leave(worker.shared.roster, 0, place);
	check_stored(visit);
	buf_fini(&answers);
}

static void
listen_somewhere(void)
{
	socklen_t len = sizeof worker.address;
	worker.address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	worker.listener = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(bind(worker.listener, (struct sockaddr *)&worker.address, len) == 0);
	EXPECT(listen(worker.listener, 16) == 0);
	EXPECT(getsockname(worker.listener, (struct sockaddr *)&worker.address, &len) == 0);
}

static void
remove_log(void)
{
	unlink(worker.log);
	*strrchr(worker.log, '/') = '\0';
	rmdir(worker.log);
}

static void
load_settings(struct settings_loaded *loaded)
{
	struct settings_sources sources = {.file = "recipe"};
	struct buf errors = {0};
	char folder[] = "/tmp/fuzz-connection-XXXXXX";
	EXPECT(settings_load_text(&sources, slice_of(settings_text), loaded, &errors) == 0);
	EXPECT(mkdtemp(folder) != NULL);
	snprintf(loaded->settings.log_dir, sizeof loaded->settings.log_dir, "%s", folder);
	snprintf(worker.log, sizeof worker.log, "%s/server.log", folder);
	atexit(remove_log);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	struct settings_loaded loaded;
	load_settings(&loaded);
	const struct shared_plan plan = {.slots = 1,
		.places = 4,
		.limiter_entries = 64,
		.store_bytes = 64,
		.settings_bytes = sizeof loaded.settings};
	const struct journal_world store = {.mark = &worker.mark, .troubles = &worker.troubles};
	EXPECT(shared_make(&worker.shared, &plan, NULL) == SHARED_OK);
	published_write(worker.shared.settings, &loaded.settings, sizeof loaded.settings);
	EXPECT(view_open(&worker.desk, worker.shared.settings, NULL, NULL) == 0);
	batches_init(&worker.batches);
	worker.world = (struct conn_world){.desk = &worker.desk,
		.batches = &worker.batches,
		.limiter = worker.shared.limiter,
		.denied = worker.shared.denied,
		.roster = worker.shared.roster,
		.scoreboard = worker.shared.board,
		.draining = &worker.draining,
		.leaving = &worker.leaving,
		.cooled = &worker.cooled};
	EXPECT(worklog_open(&worker.worklog, &worker.world, &store, &loaded.settings) == 0);
	settings_loaded_fini(&loaded);
	listen_somewhere();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recipe recipe = {data, data + size};
	struct visit visit = {0};
	plan_visit(&visit, &recipe);
	pay_visit(&visit);
	buf_fini(&visit.sent);
	buf_fini(&visit.answers);
	buf_fini(&visit.stored);
	return 0;
}
