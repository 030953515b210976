/* SPDX-License-Identifier: ISC */
/* A rate limiter for a test, and clients of it that are known by a number. */
#ifndef T_LIB_LIMITS_H
#define T_LIB_LIMITS_H

#include <string.h>

#include "shm/limiter.h"
#include "shm/region.h"
#include "unit/tap.h"

static const struct siphash_key key = {1, 2};

static struct address
client(uint32_t number)
{
	struct address address = {.bytes = {[10] = 0xff, [11] = 0xff}};
	memcpy(address.bytes + 12, &number, sizeof number);
	return address;
}

static struct limiter *
limiter_map(size_t entries, const struct siphash_key *with)
{
	struct limiter *limiter = region_map(limiter_size(entries));
	CU_ASSERT_PTR_NOT_NULL_FATAL(limiter);
	CU_ASSERT_EQUAL_FATAL(limiter_init(limiter, entries, with), 0);
	return limiter;
}

static inline int64_t
take(struct limiter *limiter, uint32_t number, const struct limiter_rule *rule, int64_t now_ms,
	int64_t lines)
{
	struct address address = client(number);
	return limiter_take(limiter, &address, rule, now_ms, lines);
}

#endif
