/* SPDX-License-Identifier: ISC */
/* The client understands what the server says, and other things too. */
#include "send/answer.h"

#include "unit/tap.h"

static void
verdicts(void)
{
	for (unsigned verdict = 0; verdict < VERDICTS; verdict++) {
		struct answer answer = answer_read(reply_line((enum verdict)verdict));
		CU_ASSERT_EQUAL(answer.kind, verdict);
		CU_ASSERT_EQUAL(answer.accepted,
			verdict == VERDICT_RECEIVED || verdict == VERDICT_FILTERED);
		CU_ASSERT_STRING_EQUAL(answer_name(verdict), verdict_name((enum verdict)verdict));
	}
}

static void
refusals(void)
{
	CU_ASSERT_EQUAL(answer_read(reply_busy()).kind, ANSWER_BUSY);
	CU_ASSERT_EQUAL(answer_read(reply_denied()).kind, ANSWER_DENIED);
}

static struct answer
read_text(const char *text)
{
	return answer_read(slice_of(text));
}

static void
spacing(void)
{
	struct answer answer = read_text(
		" {\"message\":\"filtered\",\"more\":[1],\"status\":\"ok\"}\r\n");
	CU_ASSERT_EQUAL(answer.kind, VERDICT_FILTERED);
	CU_ASSERT_TRUE(answer.accepted);
}

static void
others(void)
{
	static const char *const lines[] = {
		"",
		"hello",
		"[]",
		"5",
		"{}",
		"{\"status\": 5, \"message\": null}",
		"{\"status\": \"error\", \"message\": \"quota\"}",
		"{\"status\": \"ok\", \"message\": \"received\"",
		"{\"status\": \"ok\", \"message\": \"received\"} x",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		CU_ASSERT_EQUAL(read_text(lines[i]).kind, ANSWER_OTHER);
		CU_ASSERT_FALSE(read_text(lines[i]).accepted);
	}
	struct answer answer = read_text("{\"status\": \"ok\", \"message\": \"queued\"}");
	CU_ASSERT_EQUAL(answer.kind, ANSWER_OTHER);
	CU_ASSERT_TRUE(answer.accepted);
	CU_ASSERT_STRING_EQUAL(answer_name(answer.kind), "other");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every verdict of the server is known", verdicts},
		{"refusals are told from answers", refusals},
		{"spacing and order do not matter", spacing},
		{"what is not known is other", others},
		{NULL, NULL},
	};
	return tap_main("answer", cases);
}
