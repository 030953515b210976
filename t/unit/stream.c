/* SPDX-License-Identifier: ISC */
/* Streams through the file system: whose end is the end, what is left of answers, who does not read. */
#include "net/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/tap.h"

/* The stream, and its client's end. */
static int
open_stream(struct stream *stream)
{
	int ends[2];
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	stream_init(stream, ends[0]);
	CU_ASSERT(stream->local);
	return ends[1];
}

static void
client_finishes(void)
{
	struct stream stream;
	char room[8];
	int client = open_stream(&stream);
	CU_ASSERT(!stream_is_complete(&stream));
	CU_ASSERT_EQUAL(send(client, "half", 4, 0), 4);
	CU_ASSERT_EQUAL(shutdown(client, SHUT_WR), 0);
	CU_ASSERT(!stream_is_complete(&stream));
	/* That we stop now does not undo it. */
	stream_stop_reading(&stream);
	CU_ASSERT_EQUAL(stream_read(&stream, room, sizeof room), 4);
	CU_ASSERT(stream_is_complete(&stream));
	CU_ASSERT_EQUAL(stream_read(&stream, room, sizeof room), 0);
	CU_ASSERT_EQUAL(stream_write(&stream, (struct slice)SLICE("answer")), 0);
	stream_close(&stream);
	CU_ASSERT_EQUAL(recv(client, room, sizeof room, 0), 6);
	CU_ASSERT_EQUAL(recv(client, room, sizeof room, 0), 0);
	close(client);
}

static void
we_stop(void)
{
	struct stream stream;
	char room[8];
	int client = open_stream(&stream);
	CU_ASSERT_EQUAL(send(client, "half", 4, 0), 4);
	stream_stop_reading(&stream);
	CU_ASSERT_EQUAL(send(client, "more", 4, MSG_NOSIGNAL), -1);
	CU_ASSERT_EQUAL(errno, EPIPE);
	stream_drain(&stream);
	CU_ASSERT_EQUAL(stream_read(&stream, room, sizeof room), 4);
	CU_ASSERT_EQUAL(stream_read(&stream, room, sizeof room), 0);
	CU_ASSERT(!stream_is_complete(&stream));
	/* Nor is it the client's end of its line that it then goes. */
	close(client);
	CU_ASSERT(!stream_is_complete(&stream));
	stream_close(&stream);
}

/* Answers are there whole, then an end: no error in their place, whatever the client has sent. */
static void
linger(void)
{
	struct stream stream;
	char room[8];
	int client = open_stream(&stream);
	CU_ASSERT_EQUAL(stream_write(&stream, (struct slice)SLICE("answer")), 0);
	CU_ASSERT_EQUAL(send(client, "unread", 6, 0), 6);
	int64_t begun_ms = clock_mono_ms();
	stream_linger(&stream, 20000);
	CU_ASSERT(clock_mono_ms() - begun_ms < 10000);
	stream_close(&stream);
	CU_ASSERT_EQUAL(recv(client, room, sizeof room, 0), 6);
	CU_ASSERT_EQUAL(recv(client, room, sizeof room, 0), 0);
	close(client);
}

static void
nobody_reads(void)
{
	static char bytes[4 << 20];
	struct stream stream;
	int client = open_stream(&stream);
	stream_set_write_timeout(&stream, 80);
	CU_ASSERT_EQUAL(stream_write(&stream, (struct slice){bytes, sizeof bytes}), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	close(client);
	CU_ASSERT_EQUAL(stream_write(&stream, (struct slice)SLICE("x")), -1);
	CU_ASSERT_EQUAL(errno, EPIPE);
	stream_abort(&stream);
}

int
main(void)
{
	static const struct tap_case cases[] = {{"the client finishes", client_finishes},
		{"we stop", we_stop}, {"the last answers", linger}, {"nobody reads", nobody_reads},
		{NULL, NULL}};
	return tap_main("stream", cases);
}
