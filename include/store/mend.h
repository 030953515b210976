/* SPDX-License-Identifier: ISC */
/* Putting in order what dead writers have left in files that nobody opens any more: renamed ones, those of other days. */
#ifndef STORE_MEND_H
#define STORE_MEND_H

#include "store/mark.h"

/*
 * Cuts every file of the folder back for which a note stands whose writer is dead; waits for the appends under
 * way of those whose writers live.  Costs nothing where there is no note.  Keeps errno; what cannot be
 * mended now is left to the next one who tries.
 */
void mend_folder(const char *dir, struct logfile_mark *mark);

#endif
