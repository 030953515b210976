/* SPDX-License-Identifier: ISC */
/* The rate limiter's clients, listed and sorted.  One thread. */
#ifndef FIGURES_CLIENTS_H
#define FIGURES_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/shared.h"

struct clients {
	struct limiter_client *items; /* by lines that did not pass, most first */
	size_t count, cap;
	bool incomplete; /* there was no memory for all */
};

enum clients_wanted {
	CLIENTS_ALL,
	CLIENTS_LIMITED_NOW,
	CLIENTS_EVER_LIMITED,
};

/* Lists those that are wanted.  A zeroed struct, or one that was used before. */
void clients_list(struct clients *clients, const struct shared *shared, enum clients_wanted wanted);
void clients_fini(struct clients *clients);

/* What is known of an address; NULL: nothing. */
const struct limiter_client *clients_find(
	const struct clients *clients, const struct address *address);

#endif
