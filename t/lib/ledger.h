/* SPDX-License-Identifier: ISC */
/*
 * What writers were told about their records, in shared memory, to be held against the file:
 * a record that was stored is there once and whole, one that failed is not there, one whose writer
 * died is there once or not at all; each writer's records stand in order; nothing else is there.
 */
#ifndef T_LIB_LEDGER_H
#define T_LIB_LEDGER_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/slice.h"

enum { LEDGER_WRITERS = 64, LEDGER_RECORDS = 4096 };

enum ledger_verdict { LEDGER_OPEN, LEDGER_STORED, LEDGER_FAILED };

struct ledger {
	_Atomic unsigned char verdicts[LEDGER_WRITERS][LEDGER_RECORDS];
	_Atomic size_t begun[LEDGER_WRITERS]; /* records that the writer has tried */
};

/* Zeroed, and shared with the processes forked later. */
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* Forgets everything, for a new file. */
void ledger_clear(struct ledger *ledger);

/*
 * Makes the next `count` records of a writer, `bytes` long each with newline (at least 16), and remembers that
 * they were tried.  The slice is from malloc; the caller frees its data.
 */
struct slice ledger_begin(struct ledger *ledger, size_t writer, size_t count, size_t bytes);

/* What became of the last `count` of them. */
void ledger_end(struct ledger *ledger, size_t writer, size_t count, int result);

/* How many have this verdict, of all writers. */
size_t ledger_count(const struct ledger *ledger, enum ledger_verdict verdict);

/* Holds the file against the ledger; prints what is wrong.  Returns how many things are. */
size_t ledger_check(const struct ledger *ledger, const char *path);

#endif
