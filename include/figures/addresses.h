/* SPDX-License-Identifier: ISC */
/* The rate limiter's clients, and those that were denied access, listed and sorted.  One thread. */
#ifndef FIGURES_ADDRESSES_H
#define FIGURES_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/shared.h"

struct addresses {
	struct limiter_client *items; /* by lines that did not pass, most first */
	size_t count, cap;
	bool incomplete; /* there was no memory for all */
};

enum addresses_wanted {
	ADDRESSES_ALL,
	ADDRESSES_LIMITED_NOW,
	ADDRESSES_EVER_LIMITED,
	ADDRESSES_DENIED, /* not of the rate limiter: `limited` is how often */
};

/* Lists those that are wanted.  A zeroed struct, or one that was used before. */
void addresses_list(
	struct addresses *clients, const struct shared *shared, enum addresses_wanted wanted);

/* The same, but no more than `most` of them: those of which most lines did not pass.  Memory for these alone. */
void addresses_list_most(struct addresses *clients, const struct shared *shared,
	enum addresses_wanted wanted, size_t most);
void addresses_fini(struct addresses *clients);

/* What is known of an address; NULL: nothing. */
const struct limiter_client *addresses_find(
	const struct addresses *clients, const struct address *address);

#endif
