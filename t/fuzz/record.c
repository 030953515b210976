/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a record: what is written of it is the same whether or not the scanner's word is taken for
 * its being harmless, and there is no control character in it but the newline at its end.
 */
#include "core/record.h"
#include "core/format.h"

#include <stdint.h>

#include "lib/oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
expect_one_line(struct slice line)
{
	must(line.len > 0 && line.data[line.len - 1] == '\n');
	for (size_t i = 0; i + 1 < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i],
			      next = (unsigned char)line.data[i + 1];
		must(c >= ' ' && c != 0x7f);
		must(c != 0xc2 || next < 0x80 || next > 0x9f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct policy policy = {.min_level = LEVEL_DEBUG,
		.unknown_level = UNKNOWN_LEVEL_ACCEPT,
		.log_format = LOG_FORMAT_TEXT,
		.persist = 1,
		.level_numbers = (int32_t)(size % (LEVEL_NUMBERS_SYSLOG + 1)),
		.fields = *oracle_fields(size % ORACLE_FIELDS)};
	static const struct format_context context = {.stamp = "2026-01-31T12:00:00.123456Z"};
	struct decoder decoder = {.tokener = NULL};
	struct buf out = {.data = NULL}, slow = {.data = NULL};
	struct record record;
	struct slice line = {(const char *)data, size};
	if (record_judge(line, &policy, &decoder, &record) == VERDICT_RECEIVED) {
		must(format_record(&out, &context, &record) == 0);
		record.harmless = false;
		must(format_record(&slow, &context, &record) == 0);
		must(slice_equal(buf_slice(&out), buf_slice(&slow)));
		expect_one_line(buf_slice(&out));
	}
	decoder_fini(&decoder);
	buf_fini(&out);
	buf_fini(&slow);
	return 0;
}
