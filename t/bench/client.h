/* SPDX-License-Identifier: ISC */
/*
 * One client: fills its window, or sends what is due, and books every answer.  A line costs the copying of
 * ten digits, so that the server is measured and not this program.  Belongs to one shift, and so to
 * one thread.
 */
#ifndef T_BENCH_CLIENT_H
#define T_BENCH_CLIENT_H

#include "bench/loadgen.h"

enum { READ_BYTES = 64 * 1024 };

struct client {
	size_t number; /* of all clients, */
	size_t place;  /* and of those of the shift */
	int fd;
	bool writable_wanted; /* what epoll was told */
	bool parting;         /* FIN sent */
	bool finished;        /* all is answered, there will be no more lines */
	struct history *history;
	uint64_t answered;                 /* the next answer belongs to this record */
	uint64_t connection_ends;          /* with this record, when the clients connect anew */
	char digits[RECORD_NUMBER_DIGITS]; /* of the next record */
	char *block;                       /* lines, of which only the digits change */
	size_t block_lines;
	const char *unsent; /* in the block */
	size_t unsent_bytes;
	char cut[ANSWER_MAX]; /* an answer's beginning, when a read ended within it */
	size_t cut_bytes;
	uint64_t probe; /* the record whose answer is timed, when probe_us > 0 */
	int64_t probe_us, connecting_us;
};

/* One thread at work. */
struct shift {
	struct crew *crew;
	const struct plan *plan;
	struct client *clients;
	size_t open, unfinished; /* clients */
	int epoll;
	bool sending; /* the time is not up */
	int64_t now_us, progress_us;
	double slot_us; /* with a rate: the time from one client's line to the next client's */
	uint64_t slots; /* that have begun */
	char *room;     /* READ_BYTES + ANSWER_MAX */
};

/* Makes its block and connects it. */
void client_init(struct shift *shift, struct client *client, size_t place);
void client_fini(struct client *client);

/* Sends what it may. */
void client_send(struct shift *shift, struct client *client);

/* Sends a FIN, which the server is to answer with its own. */
void client_part(struct shift *shift, struct client *client);

/* Reads, and books the answers. */
void client_receive(struct shift *shift, struct client *client);

#endif
