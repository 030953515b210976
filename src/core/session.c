/* SPDX-License-Identifier: ISC */
/* A batch's way through the core: collect, judge, settle. */
#include "core/session.h"

#include "core/format.h"
#include "core/record.h"

void
session_init(struct session *session, size_t first_bytes, struct slice client)
{
	*session = (struct session){.client = client};
	frame_init(&session->frame, first_bytes);
}

void
session_fini(struct session *session)
{
	frame_fini(&session->frame);
}

void
session_refuse(struct session *session, enum verdict verdict)
{
	session->refusal = verdict;
}

/* Makes a line of the refusal, if there is one; how many lines that is. */
static size_t
take_refusal(struct session *session, struct batch_line *line)
{
	enum verdict refusal = session->refusal;
	if (refusal == VERDICT_RECEIVED)
		return 0;
	session->refusal = VERDICT_RECEIVED;
	bool reported = frame_drop_line(&session->frame);
	*line = (struct batch_line){.verdict = (uint8_t)refusal};
	return reported && refusal == VERDICT_TOO_LONG ? 0 : 1;
}

int64_t
session_collect(struct session *session, const struct policy *policy, bool finished)
{
	struct batch *batch = session->batch;
	batch_clear(batch);
	while (batch->count < SESSION_BATCH_LINES) {
		struct batch_line *line = batch_next(batch);
		if (line == NULL)
			return -1;
		switch (frame_next(
			&session->frame, (size_t)policy->max_line_bytes, finished, &line->text)) {
		case FRAME_MORE:
			batch->count += take_refusal(session, line);
			return (int64_t)batch->count;
		case FRAME_LINE:
			line->verdict = VERDICT_RECEIVED;
			break;
		case FRAME_TOO_LONG:
			line->verdict = VERDICT_TOO_LONG;
			break;
		}
		batch->count++;
	}
	return (int64_t)batch->count;
}

static enum verdict
judge_line(struct batch *batch, const struct policy *policy, const struct format_context *context,
	struct slice text)
{
	struct record record;
	enum verdict verdict = record_judge(text, policy, &batch->decoder, &record);
	if (verdict != VERDICT_RECEIVED || !policy->persist)
		return verdict;
	return format_record(&batch->records, context, &record) == 0 ? VERDICT_RECEIVED
	                                                             : VERDICT_FAILED;
}

void
session_judge(struct session *session, const struct policy *policy, int64_t granted,
	const struct clock_time *now)
{
	struct format_context context = {.client = session->client,
		.subject = session->subject,
		.format = (enum log_format)policy->log_format};
	struct batch *batch = session->batch;
	format_stamp(now->wall_us, context.stamp);
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_line *line = &batch->lines[i];
		if ((int64_t)i >= granted)
			line->verdict = VERDICT_LIMITED;
		else if (line->verdict == VERDICT_RECEIVED)
			line->verdict = (uint8_t)judge_line(batch, policy, &context, line->text);
	}
}

/* Counts the final verdicts; returns how many bytes their answers take. */
static size_t
count_verdicts(struct batch *batch, bool stored)
{
	size_t bytes = 0;
	memset(batch->verdicts, 0, sizeof batch->verdicts);
	for (size_t i = 0; i < batch->count; i++) {
		struct batch_line *line = &batch->lines[i];
		if (line->verdict == VERDICT_RECEIVED && !stored)
			line->verdict = VERDICT_FAILED;
		batch->verdicts[line->verdict]++;
	}
	for (int v = 0; v < VERDICTS; v++)
		bytes += batch->verdicts[v] * reply_line((enum verdict)v).len;
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
count_alike(const struct batch *batch, size_t first)
{
	enum verdict verdict = (enum verdict)batch->lines[first].verdict;
	/* Mostly all are alike, and that is known. */
	if (batch->verdicts[verdict] == batch->count)
		return batch->count;
	size_t i = first + 1;
	while (i < batch->count && batch->lines[i].verdict == verdict)
		i++;
	return i - first;
}

int
session_settle(struct session *session, bool stored)
{
	struct batch *batch = session->batch;
	size_t bytes = count_verdicts(batch, stored);
	if (session->silent)
		return 0;
	char *to = buf_reserve(&batch->replies, bytes);
	if (to == NULL)
		return -1;
	for (size_t i = 0, alike; i < batch->count; i += alike) {
		alike = count_alike(batch, i);
		to = put_replies(to, (enum verdict)batch->lines[i].verdict, alike);
	}
	buf_extend(&batch->replies, to);
	return 0;
}
