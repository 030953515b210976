/* SPDX-License-Identifier: ISC */
/*
 * The pure core alone, over a fixed input: fill, collect, judge, settle, and nothing of the daemon
 * around it.  Prints the CPU time per line; run under callgrind it is what t/bench/instructions counts.
 *
 *	core INPUT LINES
 *
 * The input comes from a memory file by pread(), as a connection's comes from its socket: the
 * kernel's copying is in neither number.
 */
#include <err.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/session.h"

enum { BLOCK_LINES = 512, READ_BYTES = 128 * 1024, LINE_BYTES = 120 };

/* A read brings one block. */
/* What a line is: the number of a line, always of ten digits, stands between head and middle. */
static const struct input {
	const char *name;
	const char *head, *middle, *tail;
	const char *filler; /* before the tail, as often as it fits into LINE_BYTES */
} inputs[] = {
	{"plain", "{\"level\":\"INFO\",\"message\":\"c00001 n", " ", "\"}", "x"},
	{"fields",
		"{\"time\": \"2026-01-31T12:00:00.123456Z\", \"level\": \"WARNING\", \"logger\": "
		"\"app.db.pool\", \"message\": \"connection ",
		" is slow\", \"host\": \"web-07\", \"pid\": 12345, \"took\": 0.482, \"retry\": "
		"true, \"user\": null, \"tags\": [\"db\", \"slow\"]",
		"}", " "},
	{"escapes", "{\"level\":\"ERROR\",\"message\":\"n",
		" failed: \\\"no such file\\\"\\n\\tat C:\\\\app\\\\main ", "\"}", "caf\\u00e9 "},
	{"utf8", "{\"level\":\"INFO\",\"message\":\"n", " gr\xc3\xbc\xc3\x9f gott ", "\"}",
		"\xe4\xbd\xa0\xe5\xa5\xbd, \xd0\xbc\xd0\xb8\xd1\x80 \xf0\x9f\x98\x80 "},
};

static const struct input *
find_input(const char *name)
{
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
		if (strcmp(inputs[i].name, name) == 0)
			return &inputs[i];
	}
	errx(EX_USAGE, "no input %s", name);
}

static void
append(struct buf *buf, const char *text)
{
	if (buf_append(buf, slice_of(text)) != 0)
		err(EX_OSERR, NULL);
}

static struct buf
make_block(const struct input *input)
{
	struct buf block = {.data = NULL};
	for (unsigned i = 0; i < BLOCK_LINES; i++) {
		size_t first = block.len, filler = strlen(input->filler);
		append(&block, input->head);
		if (buf_printf(&block, "%010u", i * 2654435761u) != 0)
			err(EX_OSERR, NULL);
		append(&block, input->middle);
		while (block.len - first + filler + strlen(input->tail) < LINE_BYTES)
			append(&block, input->filler);
		append(&block, input->tail);
		append(&block, "\n");
	}
	return block;
}

/* The block as a file; what the reads may begin and end in. */
static int
open_block(const struct buf *block)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);
	if (fd < 0 || write(fd, block->data, block->len) != (ssize_t)block->len)
		err(EX_OSERR, "memory file");
	return fd;
}

static void
fill(struct session *session, const struct policy *policy, int fd, off_t *at, size_t block_bytes)
{
	size_t room;
	char *to = frame_room(&session->frame, (size_t)policy->max_line_bytes, &room);
	ssize_t n = to != NULL ? pread(fd, to, room, *at) : -1;
	if (n <= 0)
		err(EX_OSERR, "fill");
	frame_fill(&session->frame, (size_t)n);
	*at = (*at + n) % (off_t)block_bytes;
}

/* Carries a batch through; how many of its lines were received. */
static int64_t
carry(struct session *session, const struct policy *policy)
{
	static const struct clock_time now = {.wall_us = INT64_C(1769860800123456)};
	int64_t lines = session_collect(session, policy, false);
	if (lines <= 0)
		return lines;
	session_judge(session, policy, lines, &now);
	if (session_settle(session, true) < 0)
		err(EX_OSERR, NULL);
	return (int64_t)session->batch->verdicts[VERDICT_RECEIVED];
}

static int64_t
nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int
main(int argc, char **argv)
{
	static const struct policy policy = {.min_level = LEVEL_INFO,
		.log_format = LOG_FORMAT_TEXT,
		.persist = 1,
		.max_line_bytes = 1 << 20};
	if (argc != 3)
		errx(EX_USAGE, "usage: core INPUT LINES");
	struct buf block = make_block(find_input(argv[1]));
	int fd = open_block(&block);
	int64_t wanted = strtoll(argv[2], NULL, 10), done = 0, spent = 0;
	off_t at = 0;
	struct session session;
	struct batch batch = {.count = 0};
	session_init(&session, READ_BYTES, slice_of("192.0.2.7"));
	session.batch = &batch;
	while (done < wanted) {
		fill(&session, &policy, fd, &at, block.len);
		int64_t begin = nanoseconds(), lines;
		while ((lines = carry(&session, &policy)) > 0)
			done += lines;
		spent += nanoseconds() - begin;
	}
	printf("%.1f ns a line, %zu bytes\n", (double)spent / (double)done,
		block.len / BLOCK_LINES);
	session_fini(&session);
	batch_fini(&batch);
	close(fd);
	buf_fini(&block);
	return 0;
}
