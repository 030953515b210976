/* SPDX-License-Identifier: ISC */
/*
 * How far the files that left a spool last were forwarded.  A writer that was late, or that goes back to a name of yesterday, links
 * such a file again: what was forwarded of it is not sent twice.  Nor is what another spool has forwarded, where both have links to it.
 */
#ifndef STORE_DONE_H
#define STORE_DONE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/identity.h"

enum { DONE_FILES = 256 };

/* The first byte of the file that was not forwarded; 0 where nothing is known. */
int64_t done_find(int spool, const struct identity *identity);

/* The same for a segment of this number: what was noted before it was made says nothing of it, as the file may have been emptied. */
int64_t done_find_since(int spool, const struct identity *identity, uint64_t number);

/* Whether the file was emptied when a segment of this number was there, and nothing was noted since. */
bool done_emptied_since(int spool, const struct identity *identity, uint64_t number);

/* The number that all notes were made before; 0: there are none. */
uint64_t done_last(int spool);

/* All that follow are for who holds the lock on the numbers (store/spool.h), and return 0, or -1 with errno. */

/* Notes it, in place of the oldest note where there are many. */
int done_add(int spool, const struct identity *identity, int64_t offset);

/* Notes that the file was emptied, and counts anew. */
int done_add_emptied(int spool, const struct identity *identity);

/* What is noted in another spool is noted here too. */
int done_inherit(int spool, int from);

#endif
