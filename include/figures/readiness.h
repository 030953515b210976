/* SPDX-License-Identifier: ISC */
/* Whether records can be stored, and whether clients may come: judged by one reading.  Pure. */
#ifndef FIGURES_READINESS_H
#define FIGURES_READINESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "figures/reading.h"

enum {
	/* A failure that nobody has repeated for so long says no more: who is kept away by it could not try. */
	STORAGE_DOUBT_MS = 10000,
	READINESS_WHY_MAX = 4,
	READINESS_TEXT_MAX = 256,
};

enum storage_state { STORAGE_OK, STORAGE_FAILING, STORAGE_OFF, STORAGE_STATES };

struct storage {
	enum storage_state state;
	int64_t since_us; /* wall clock; failing alone */
	int error;        /* likewise: an errno */
};

/* `persist`: records are to be stored.  It fails as long as the last append of any living worker has. */
struct storage storage_of(const struct reading *reading, bool persist);

/* "ok", "failing", "off" */
const char *storage_state_name(enum storage_state state);

struct readiness {
	bool ready;
	size_t count; /* of reasons why not */
	char why[READINESS_WHY_MAX][READINESS_TEXT_MAX];
};

struct readiness readiness_of(const struct reading *reading, const struct storage *storage);

#endif
