/* SPDX-License-Identifier: ISC */
/* Which file it is, whatever it is called now: what its notes in the mark are found by. */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	dev_t dev;
	ino_t ino;
	uint64_t file; /* its name in a mark: mark_file() */
	bool is_regular;
};

/* Of an open file.  0, or -1 with errno. */
int identity_of(struct identity *identity, int fd);

/* Of what stands in the folder under that name, a link not followed.  0, or -1 with errno. */
int identity_in(struct identity *identity, int folder, const char *name);

#endif
