/* SPDX-License-Identifier: ISC */
/*
 * Judges one line.  Nothing is decoded that is not needed: a level without escapes is
 * compared as it stands, a message that nobody will write as text stays as it was sent.
 */
#include "core/record.h"

#include "core/scan.h"

/* The value as text; what needs no decoding stays in the line. */
static int
value_text(struct decoder *decoder, enum decode_place place, const struct scan_value *value,
	struct slice *out)
{
	*out = value->text;
	return value->escaped ? decode_string(decoder, place, value->text, out) : 0;
}

static enum verdict
judge_level(enum level level, const struct policy *policy)
{
	static const enum verdict unknown[] = {
		[UNKNOWN_LEVEL_FILTER] = VERDICT_FILTERED,
		[UNKNOWN_LEVEL_ACCEPT] = VERDICT_RECEIVED,
		[UNKNOWN_LEVEL_REJECT] = VERDICT_UNKNOWN_LEVEL,
	};
	if (level == LEVEL_UNKNOWN)
		return unknown[policy->unknown_level];
	return (int)level < policy->min_level ? VERDICT_FILTERED : VERDICT_RECEIVED;
}

enum verdict
record_judge(
	struct slice line, const struct policy *policy, struct decoder *decoder, struct record *out)
{
	struct scan scan;
	switch (scan_line(line, &scan)) {
	case SCAN_INVALID:
		return VERDICT_INVALID;
	case SCAN_NOT_OBJECT:
		return VERDICT_NOT_OBJECT;
	case SCAN_OBJECT:
		break;
	}
	if (!scan.level.present || !scan.message.present)
		return VERDICT_MISSING;

	out->line = line;
	out->message = scan.message.text;
	if (value_text(decoder, DECODE_LEVEL, &scan.level, &out->level_text) != 0)
		return VERDICT_FAILED;
	out->level = level_parse(out->level_text);
	enum verdict verdict = judge_level(out->level, policy);
	bool written = policy->persist != 0 && policy->log_format == LOG_FORMAT_TEXT;
	if (verdict == VERDICT_RECEIVED && written &&
		value_text(decoder, DECODE_MESSAGE, &scan.message, &out->message) != 0)
		return VERDICT_FAILED;
	return verdict;
}
