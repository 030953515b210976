/* SPDX-License-Identifier: ISC */
/*
 * What the settings say about a record: all that judging and formatting need to
 * know.  Plain data, pointer-free; a copy stays unchanged while a batch is on its way.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stdint.h>

#include "core/fields.h"
#include "core/level.h"

enum unknown_level {
	UNKNOWN_LEVEL_FILTER,
	UNKNOWN_LEVEL_ACCEPT,
	UNKNOWN_LEVEL_REJECT,
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
	LOG_FORMAT_RAW,
};

struct policy {
	int32_t min_level;      /* enum level: less severe records are filtered */
	int32_t unknown_level;  /* enum unknown_level */
	int32_t log_format;     /* enum log_format */
	int32_t persist;        /* 0: judge and answer, but store nothing */
	int64_t max_line_bytes; /* of one line, without its newline */
	int32_t level_numbers;  /* enum level_numbers: which numbers are levels */
	struct fields fields;   /* the members that hold level and message */
};

#endif
