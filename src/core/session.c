/* SPDX-License-Identifier: ISC */
/* A batch's way through the core: collect, judge, settle. */
#include "core/session.h"

#include <stdlib.h>

#include "core/format.h"
#include "core/record.h"

enum { FIRST_LINES = 16 };

void
session_init(struct session *session, size_t first_bytes, struct slice client)
{
	*session = (struct session){.client = client};
	frame_init(&session->frame, first_bytes);
}

static void
free_batch(struct session *session)
{
	free(session->lines);
	session->lines = NULL;
	session->count = session->lines_cap = 0;
	buf_fini(&session->records);
	buf_fini(&session->replies);
	decoder_fini(&session->decoder);
}

void
session_fini(struct session *session)
{
	free_batch(session);
	frame_fini(&session->frame);
}

void
session_cool(struct session *session)
{
	free_batch(session);
	frame_cool(&session->frame);
}

size_t
session_memory(const struct session *session)
{
	return session->frame.cap + session->lines_cap * sizeof *session->lines +
	       session->records.cap + session->replies.cap + decoder_memory(&session->decoder);
}

static int
reserve_line(struct session *session)
{
	if (session->count < session->lines_cap)
		return 0;
	size_t cap = session->lines_cap > 0 ? session->lines_cap * 2 : FIRST_LINES;
	struct session_line *lines = reallocarray(session->lines, cap, sizeof *lines);
	if (lines == NULL)
		return -1;
	session->lines = lines;
	session->lines_cap = cap;
	return 0;
}

int64_t
session_collect(struct session *session, const struct policy *policy, bool finished)
{
	session->count = 0;
	buf_clear(&session->records);
	buf_clear(&session->replies);
	while (session->count < SESSION_BATCH_LINES) {
		if (reserve_line(session) < 0)
			return -1;
		struct session_line *line = &session->lines[session->count];
		switch (frame_next(
			&session->frame, (size_t)policy->max_line_bytes, finished, &line->text)) {
		case FRAME_MORE:
			return (int64_t)session->count;
		case FRAME_LINE:
			line->verdict = VERDICT_RECEIVED;
			break;
		case FRAME_TOO_LONG:
			line->verdict = VERDICT_TOO_LONG;
			break;
		}
		session->count++;
	}
	return (int64_t)session->count;
}

static enum verdict
judge_line(struct session *session, const struct policy *policy,
	const struct format_context *context, struct slice text)
{
	struct record record;
	enum verdict verdict = record_judge(text, policy, &session->decoder, &record);
	if (verdict != VERDICT_RECEIVED || !policy->persist)
		return verdict;
	return format_record(&session->records, context, &record) == 0 ? VERDICT_RECEIVED
	                                                               : VERDICT_FAILED;
}

void
session_judge(struct session *session, const struct policy *policy, int64_t granted,
	const struct clock_time *now)
{
	struct format_context context = {
		.client = session->client, .format = (enum log_format)policy->log_format};
	format_stamp(now->wall_us, context.stamp);
	for (size_t i = 0; i < session->count; i++) {
		struct session_line *line = &session->lines[i];
		if ((int64_t)i >= granted)
			line->verdict = VERDICT_LIMITED;
		else if (line->verdict != VERDICT_TOO_LONG)
			line->verdict = (uint8_t)judge_line(session, policy, &context, line->text);
	}
}

/* Counts the final verdicts; returns how many bytes their answers take. */
static size_t
count_verdicts(struct session *session, bool stored)
{
	size_t bytes = 0;
	memset(session->verdicts, 0, sizeof session->verdicts);
	for (size_t i = 0; i < session->count; i++) {
		struct session_line *line = &session->lines[i];
		if (line->verdict == VERDICT_RECEIVED && !stored)
			line->verdict = VERDICT_FAILED;
		session->verdicts[line->verdict]++;
	}
	for (int v = 0; v < VERDICTS; v++)
		bytes += session->verdicts[v] * reply_line((enum verdict)v).len;
	return bytes;
}

/* The same answer so many times: what is there already is doubled. */
static char *
put_replies(char *to, enum verdict verdict, size_t times)
{
	struct slice reply = reply_line(verdict);
	size_t bytes = reply.len * times;
	memcpy(to, reply.data, reply.len);
	for (size_t done = reply.len; done < bytes;) {
		size_t more = done < bytes - done ? done : bytes - done;
		memcpy(to + done, to, more);
		done += more;
	}
	return to + bytes;
}

/* How many lines from this one on have the same verdict. */
static size_t
count_alike(const struct session *session, size_t first)
{
	enum verdict verdict = (enum verdict)session->lines[first].verdict;
	/* Mostly all are alike, and that is known. */
	if (session->verdicts[verdict] == session->count)
		return session->count;
	size_t i = first + 1;
	while (i < session->count && session->lines[i].verdict == verdict)
		i++;
	return i - first;
}

int
session_settle(struct session *session, bool stored)
{
	char *to = buf_reserve(&session->replies, count_verdicts(session, stored));
	if (to == NULL)
		return -1;
	for (size_t i = 0, alike; i < session->count; i += alike) {
		alike = count_alike(session, i);
		to = put_replies(to, (enum verdict)session->lines[i].verdict, alike);
	}
	buf_extend(&session->replies, to);
	return 0;
}
