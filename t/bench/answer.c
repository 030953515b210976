/* SPDX-License-Identifier: ISC */
/* What the server may say, byte for byte, from the contract. */
#include <string.h>

#include "bench/loadgen.h"

/* By enum fate; behind them what is no answer to a line but refuses the connection. */
static const struct answer {
	const char *name, *line;
} answers[] = {
	{"unanswered", ""},
	{"received", "{\"status\": \"ok\", \"message\": \"received\"}\n"},
	{"filtered", "{\"status\": \"ok\", \"message\": \"filtered\"}\n"},
	{"invalid", "{\"status\": \"error\", \"message\": \"invalid JSON\"}\n"},
	{"not_object", "{\"status\": \"error\", \"message\": \"expected JSON object\"}\n"},
	{"missing", "{\"status\": \"error\", \"message\": "
		    "\"missing required fields: level, message\"}\n"},
	{"limited", "{\"status\": \"error\", \"message\": \"rate limit exceeded\"}\n"},
	{"too_long", "{\"status\": \"error\", \"message\": \"line too long\"}\n"},
	{"unknown_level", "{\"status\": \"error\", \"message\": \"unknown level\"}\n"},
	{"failed", "{\"status\": \"error\", \"message\": \"storage failure\"}\n"},
	{"busy", "{\"status\": \"error\", \"message\": \"server busy\"}\n"},
	{"denied", "{\"status\": \"error\", \"message\": \"access denied\"}\n"},
};
enum { ANSWERS = sizeof answers / sizeof answers[0] };
_Static_assert(ANSWERS == FATES + 2, "enum fate is the table's index");

const char *
fate_name(size_t fate)
{
	return answers[fate].name;
}

int
answer_read(const char *line, size_t len)
{
	for (int i = FATE_RECEIVED; i < ANSWERS; i++) {
		if (strlen(answers[i].line) == len && memcmp(answers[i].line, line, len) == 0)
			return i < FATES ? i : ANSWER_REFUSED;
	}
	return ANSWER_NONE;
}
