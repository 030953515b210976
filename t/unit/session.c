/* SPDX-License-Identifier: ISC */
/* A batch's way: the order of checks, answers in order, what is to be stored, failed storage. */
#include "core/session.h"

#include <stdlib.h>
#include <string.h>

#include "unit/tap.h"

#define OK(text)    "{\"status\": \"ok\", \"message\": \"" text "\"}\n"
#define ERROR(text) "{\"status\": \"error\", \"message\": \"" text "\"}\n"
#define ALL         INT64_MAX

static const struct policy default_policy = {
	.min_level = LEVEL_INFO,
	.unknown_level = UNKNOWN_LEVEL_FILTER,
	.log_format = LOG_FORMAT_TEXT,
	.persist = 1,
	.max_line_bytes = 60,
};

static const struct clock_time noon = {.wall_us = INT64_C(1769860800123456)};

static struct session
opened(void)
{
	struct session session;
	session_init(&session, 16, (struct slice)SLICE("192.0.2.7"));
	session.batch = calloc(1, sizeof *session.batch);
	CU_ASSERT_PTR_NOT_NULL_FATAL(session.batch);
	return session;
}

static void
finished(struct session *session)
{
	batch_fini(session->batch);
	CU_ASSERT_EQUAL(batch_memory(session->batch), 0);
	free(session->batch);
	session_fini(session);
}

static void
feed(struct session *session, const char *text)
{
	size_t len = strlen(text);
	while (len > 0) {
		size_t room;
		/* More than a line may allow: the test puts a whole stream in at once. */
		char *to = frame_room(&session->frame, 1 << 20, &room);
		CU_ASSERT_PTR_NOT_NULL_FATAL(to);
		size_t n = len < room ? len : room;
		memcpy(to, text, n);
		frame_fill(&session->frame, n);
		text += n;
		len -= n;
	}
}

static int64_t
carry(struct session *session, const struct policy *policy, int64_t granted, bool stored)
{
	int64_t lines = session_collect(session, policy, false);
	session_judge(session, policy, granted < lines ? granted : lines, &noon);
	CU_ASSERT_EQUAL(session_settle(session, stored), 0);
	return lines;
}

static void
expect(const struct buf *buf, const char *text)
{
	struct slice expected = slice_of(text);
	CU_ASSERT_EQUAL(buf->len, expected.len);
	CU_ASSERT(slice_equal(buf_slice(buf), expected));
}

static const char mixed[] =
	"{\"level\":\"ERROR\",\"message\":\"disk full\"}\n"
	"\n"
	"{\"level\":\"DEBUG\",\"message\":\"x\"}\n"
	"nonsense\n"
	"[1]\n"
	"{\"level\":\"INFO\"}\n"
	"{\"level\":\"INFO\",\"message\":\"0123456789012345678901234567890123456789\"}\n"
	"{\"level\":\"LOUD\",\"message\":\"x\"}\n"
	"{\"level\":\"INFO\",\"message\":5}\n";

static void
every_verdict(void)
{
	struct session session = opened();
	feed(&session, mixed);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, 7, true), 8);
	expect(&session.batch->replies,
		OK("received") OK("filtered") ERROR("invalid JSON") ERROR("expected JSON object")
			ERROR("missing required fields: level, message") ERROR("line too long")
				OK("filtered") ERROR("rate limit exceeded"));
	expect(&session.batch->records, "2026-01-31T12:00:00.123456Z [ERROR] disk full\n");
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_RECEIVED], 1);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_FILTERED], 2);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_LIMITED], 1);
	CU_ASSERT_EQUAL(session_collect(&session, &default_policy, true), 0);
	finished(&session);
}

/* The limit comes before the length, the length before JSON. */
static void
limit_first(void)
{
	struct session session = opened();
	feed(&session, mixed);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, 0, true), 8);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_LIMITED], 8);
	CU_ASSERT_EQUAL(session.batch->records.len, 0);
	finished(&session);
}

/* Behind the lines that are there, as a line; what has come of one without its end is gone. */
static void
refusal(void)
{
	struct session session = opened();
	feed(&session, "{}\n{\"le");
	session_refuse(&session, VERDICT_INVALID);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), 2);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_MISSING], 1);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_INVALID], 1);
	feed(&session, "[]\n");
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), 1);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_NOT_OBJECT], 1);
	session_refuse(&session, VERDICT_TOO_LONG);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, 0, true), 1);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_LIMITED], 1);
	CU_ASSERT_EQUAL(session_collect(&session, &default_policy, true), 0);
	finished(&session);
}

static void
failed_storage(void)
{
	struct session session = opened();
	feed(&session, mixed);
	carry(&session, &default_policy, ALL, false);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_RECEIVED], 0);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_FAILED], 2);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_INVALID], 1);
	CU_ASSERT_EQUAL(strncmp(session.batch->replies.data, ERROR("storage failure"),
				strlen(ERROR("storage failure"))),
		0);
	finished(&session);
}

static void
nothing_stored(void)
{
	struct policy policy = default_policy;
	policy.persist = 0;
	struct session session = opened();
	feed(&session, mixed);
	carry(&session, &policy, ALL, true);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_RECEIVED], 2);
	CU_ASSERT_EQUAL(session.batch->records.len, 0);
	finished(&session);
}

static void
bounded_batch(void)
{
	struct session session = opened();
	for (int i = 0; i < SESSION_BATCH_LINES + 5; i++)
		feed(&session, "1\n");
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), SESSION_BATCH_LINES);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), 5);
	CU_ASSERT_EQUAL(session.batch->verdicts[VERDICT_NOT_OBJECT], 5);
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), 0);
	finished(&session);
}

static void
last_line(void)
{
	struct session session = opened();
	feed(&session, "1");
	CU_ASSERT_EQUAL(session_collect(&session, &default_policy, false), 0);
	CU_ASSERT_EQUAL(session_collect(&session, &default_policy, true), 1);
	finished(&session);
}

/* Between two reads another connection may have the batch. */
static void
lent_by_turns(void)
{
	struct session session = opened();
	feed(&session, mixed);
	feed(&session, "{\"level\":\"INFO\",\"mess");
	carry(&session, &default_policy, ALL, true);
	CU_ASSERT(batch_memory(session.batch) > 512);
	struct session other = opened();
	struct batch *spare = other.batch;
	other.batch = session.batch;
	feed(&other, "{}\n");
	CU_ASSERT_EQUAL(carry(&other, &default_policy, ALL, true), 1);
	expect(&other.batch->replies, ERROR("missing required fields: level, message"));
	CU_ASSERT_EQUAL(other.batch->records.len, 0);
	other.batch = spare;
	finished(&other);
	frame_cool(&session.frame);
	CU_ASSERT(session.frame.cap < 64);
	feed(&session, "age\":\"\\u0041\"}\n");
	CU_ASSERT_EQUAL(carry(&session, &default_policy, ALL, true), 1);
	expect(&session.batch->records, "2026-01-31T12:00:00.123456Z [INFO] A\n");
	finished(&session);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every verdict, in order", every_verdict},
		{"the rate limit is checked first", limit_first},
		{"a refusal is a line", refusal},
		{"failed storage fails the accepted lines and no others", failed_storage},
		{"without persistence nothing is formatted", nothing_stored},
		{"a batch is bounded", bounded_batch},
		{"a last line without newline counts when the client has finished", last_line},
		{"a batch that is lent by turns", lent_by_turns},
		{NULL, NULL},
	};
	return tap_main("session", cases);
}
