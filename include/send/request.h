/* SPDX-License-Identifier: ISC */
/*
 * Text to request lines.  Whatever bytes come in, the line that goes out is valid JSON in
 * valid UTF-8 on one line.  Pure but for the heap; thread-safe.
 */
#ifndef SEND_REQUEST_H
#define SEND_REQUEST_H

#include "base/buf.h"

/* More text and level than this is refused: escaped, it would outgrow what json-c can print. */
enum { REQUEST_TEXT_MAX = 256 << 20 };

/*
 * Appends {"level": ..., "message": ...} without a newline.  What is not UTF-8 becomes U+FFFD, one
 * for each maximal ill-formed stretch.  0, or -1 with errno ENOMEM or EFBIG and nothing appended.
 */
int request_wrap(struct buf *out, struct slice level, struct slice text);

#endif
