/* SPDX-License-Identifier: ISC */
/* The answers, byte for byte: clients compare them as text. */
#include "core/reply.h"

#define OK(text)    SLICE("{\"status\": \"ok\", \"message\": \"" text "\"}\n")
#define ERROR(text) SLICE("{\"status\": \"error\", \"message\": \"" text "\"}\n")

static const struct {
	const char *name;
	struct slice line;
} replies[VERDICTS] = {
	[VERDICT_RECEIVED] = {"received", OK("received")},
	[VERDICT_FILTERED] = {"filtered", OK("filtered")},
	[VERDICT_INVALID] = {"invalid", ERROR("invalid JSON")},
	[VERDICT_NOT_OBJECT] = {"not_object", ERROR("expected JSON object")},
	[VERDICT_MISSING] = {"missing", ERROR("missing required fields: level, message")},
	[VERDICT_LIMITED] = {"limited", ERROR("rate limit exceeded")},
	[VERDICT_TOO_LONG] = {"too_long", ERROR("line too long")},
	[VERDICT_UNKNOWN_LEVEL] = {"unknown_level", ERROR("unknown level")},
	[VERDICT_FAILED] = {"failed", ERROR("storage failure")},
};

struct slice
reply_line(enum verdict verdict)
{
	return replies[verdict].line;
}

const char *
verdict_name(enum verdict verdict)
{
	return replies[verdict].name;
}

struct slice
reply_busy(void)
{
	return (struct slice)ERROR("server busy");
}

struct slice
reply_denied(void)
{
	return (struct slice)ERROR("access denied");
}
