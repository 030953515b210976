/* SPDX-License-Identifier: ISC */
/*
 * What happens a second: two readings compared, as rows of one table.  The first row is the sum, then come
 * workers, then the addresses of which lines did not pass.  One thread.
 */
#ifndef FIGURES_RATES_H
#define FIGURES_RATES_H

#include <stdbool.h>
#include <stddef.h>

#include "figures/addresses.h"
#include "figures/reading.h"

enum rates_kind { RATES_TOTAL, RATES_WORKER, RATES_ADDRESS };

/* The columns: clients, lines, each verdict, kilobytes. */
enum {
	RATES_CLIENTS,
	RATES_LINES,
	RATES_VERDICTS,
	RATES_KILOBYTES = RATES_VERDICTS + VERDICTS,
	RATES_COLUMNS
};

struct rates_row {
	enum rates_kind kind;
	char name[ADDRESS_TEXT_MAX]; /* "total", a pid, an address */
	const char *state;           /* of a worker; else "" */
	double values[RATES_COLUMNS];
	bool known[RATES_COLUMNS]; /* of an address little is known */
};

struct rates {
	struct rates_row *rows;
	size_t count;
	size_t workers; /* rows 1 to this one */
	int64_t p50_us; /* from read to answer, in that time; -1: nothing was answered */
	int64_t p99_us;
	bool incomplete; /* there was no memory for all rows */
};

/* What two moments have to be compared of. */
struct moment {
	struct reading reading;
	struct addresses clients;
};

/* Reads.  0, or -1 with errno ENOMEM. */
int moment_take(struct moment *moment, const struct shared *shared);
void moment_fini(struct moment *moment);

/* Compares two moments.  0, or -1 with errno ENOMEM. */
int rates_make(struct rates *rates, const struct moment *earlier, const struct moment *later);
void rates_fini(struct rates *rates);

/* A worker's row; NULL: it was not there yet. */
const struct rates_row *rates_of_worker(const struct rates *rates, pid_t pid);

/* Sorts workers and addresses, each among themselves, by a column. */
void rates_sort(struct rates *rates, size_t column, bool least_first);

/* "LINES", "RECEIVED": as in the counters, in capitals; and how many characters a column takes. */
const char *rates_column_name(size_t column);
int rates_column_width(size_t column);

#endif
