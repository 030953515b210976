/* SPDX-License-Identifier: ISC */
/* The files by which the forwarder shows who it is: whether they are any good.  The drivers read them themselves. */
#ifndef SUPER_CREDENTIALS_H
#define SUPER_CREDENTIALS_H

#include "base/buf.h"
#include "settings/settings.h"

/*
 * 0, or -1 with every mistake told in `errors`, a line each that begins with its directive; what is doubtful is told in
 * `warnings`.  Where nothing is forwarded no file is looked at.
 */
int credentials_check(const struct settings *settings, struct buf *errors, struct buf *warnings);

#endif
