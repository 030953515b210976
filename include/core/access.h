/* SPDX-License-Identifier: ISC */
/*
 * Who may connect, as Require lines say it: in Apache's words, all of them together.  Plain data, pointer-free.
 * Pure, thread-safe.
 */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network.h"

enum { ACCESS_RULES_MAX = 256 };

enum access_word {
	ACCESS_ALL_GRANTED,
	ACCESS_ALL_DENIED,
	ACCESS_IP,
	ACCESS_NOT_IP,
};

struct access_rule {
	int32_t word;           /* enum access_word */
	struct network network; /* of the last two; else zero */
};

/*
 * Whether a client may connect: some rule without `not` says so, or there is none such, and no rule with
 * `not` names it.  Rules with ip say nothing of a client that has no IP address (address_is_ip).
 */
bool access_granted(const struct access_rule *rules, size_t count, const struct address *client);

/* Whether an address is in one of the blocks; a client without one is in none. */
bool access_lists(const struct network *networks, size_t count, const struct address *client);

#endif
