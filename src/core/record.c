/* SPDX-License-Identifier: ISC */
/*
 * Judges one line.  Nothing is decoded that is not needed: a level without escapes is
 * compared as it stands, a message that nobody will write as text stays as it was sent.
 */
#include "core/record.h"

#include "core/scan.h"

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
	switch (scan_line(line, &policy->fields, &scan)) {
	case SCAN_INVALID:
		return VERDICT_INVALID;
	case SCAN_NOT_OBJECT:
		return VERDICT_NOT_OBJECT;
	case SCAN_OBJECT:
		break;
	}
	if (!scan.level.present || !scan.message.present)
		return VERDICT_MISSING;

	struct slice text = scan.level.text;
	if (scan.level.escaped && decode_string(decoder, DECODE_LEVEL, text, &text) != 0)
		return VERDICT_FAILED;
	enum level level = level_read(text, (enum level_numbers)policy->level_numbers);
	enum verdict verdict = judge_level(level, policy);
	if (verdict != VERDICT_RECEIVED || policy->persist == 0)
		return verdict;

	out->line = line;
	out->level = level;
	out->level_text = text;
	text = scan.message.text;
	if (scan.message.escaped && policy->log_format == LOG_FORMAT_TEXT &&
		decode_string(decoder, DECODE_MESSAGE, text, &text) != 0)
		return VERDICT_FAILED;
	out->message = text;
	out->harmless = scan.message.harmless;
	return VERDICT_RECEIVED;
}
