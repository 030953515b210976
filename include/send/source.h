/* SPDX-License-Identifier: ISC */
/*
 * Where requests come from: a descriptor read line by line, the words of a command line, or the
 * smoke test.  A source yields request lines without their newline; blank lines are passed over,
 * because the server gives no answer to them.
 *
 * It reads only when it is told to, so that the caller can poll the descriptor; it holds one line
 * and one read more at most.  One thread at a time.
 */
#ifndef SEND_SOURCE_H
#define SEND_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum source_event {
	SOURCE_REQUEST, /* *request: the next line */
	SOURCE_WAIT,    /* no whole line: source_fill() when source->fd is readable */
	SOURCE_END,     /* no more; source->error tells whether that was the end of the input */
};

struct source {
	int fd;             /* to poll; the caller's; -1: nothing (more) to read */
	bool wrap;          /* lines are text, to be wrapped as JSON */
	struct slice level; /* for wrapped lines */

	struct buf in;         /* what was read */
	size_t start, scanned; /* taken up to start, no newline before scanned */
	struct buf request;    /* the last wrapped line */

	int64_t taken_bytes; /* of the input, as requests or passed over */
	int64_t total_bytes; /* of a regular file from where it stood at first; -1: unknown */
	int error;           /* errno that ended the source early, or 0 */
};

/* Lines of NDJSON, sent as they are; of text, each sent as one record of the level. */
void source_init_ndjson(struct source *source, int fd);
void source_init_text(struct source *source, int fd, struct slice level);

/* The words, joined by spaces, as one record.  0, or -1 with errno. */
int source_init_words(struct source *source, struct slice level, char *const *words, size_t count);

/* One record of each level.  0, or -1 with errno. */
int source_init_smoke(struct source *source);

void source_fini(struct source *source);

/* The next request; *request holds until the next call of any of these. */
enum source_event source_next(struct source *source, struct slice *request);

/* Reads once; waits when nothing is there to read. */
void source_fill(struct source *source);

#endif
