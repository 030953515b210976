/* SPDX-License-Identifier: ISC */
/*
 * The spools that are to be emptied before what is in the one of the settings: paths, the first one first.  They stand in a file
 * in that one, a line each, so that whoever comes after us knows of them.  One thread.
 */
#ifndef FORWARD_MOVES_H
#define FORWARD_MOVES_H

#include "settings/forwarding.h"

enum { MOVES_BYTES = 16 * 1024 };

struct moves {
	char text[MOVES_BYTES]; /* of the file; "": there are none */
};

/* Those that stand in that spool.  None where it cannot be read. */
void moves_read(struct moves *moves, const char *spool);

/*
 * From a spool to another one: those of the first one, and it, are added to those of the second, and written there, with what the first one
 * knows of files that were forwarded.  0, or -1 with errno.
 */
int moves_change(struct moves *moves, const char *from, const char *to);

/* The nth one, from 0 on.  False: there is none. */
bool moves_nth(const struct moves *moves, int n, char path[static FORWARDING_SPOOL_BYTES]);

/* The first one is done with: takes it out, and writes the others to the spool that they stand in.  0, or -1 with errno. */
int moves_done(struct moves *moves, const char *spool);

#endif
