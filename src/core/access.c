/* SPDX-License-Identifier: ISC */
/* Judges clients by rules and lists of address blocks. */
#include "core/access.h"

bool
access_granted(const struct access_rule *rules, size_t count, const struct address *client)
{
	bool has_ip = address_is_ip(client);
	bool any_positive = false, granted = false;
	for (size_t i = 0; i < count; i++) {
		enum access_word word = (enum access_word)rules[i].word;
		bool by_ip = word == ACCESS_IP || word == ACCESS_NOT_IP;
		if (by_ip && !has_ip)
			continue;
		bool named = by_ip && network_contains(&rules[i].network, client);
		if (word == ACCESS_NOT_IP && named)
			return false;
		any_positive |= word != ACCESS_NOT_IP;
		granted |= word == ACCESS_ALL_GRANTED || (word == ACCESS_IP && named);
	}
	return granted || !any_positive;
}

bool
access_lists(const struct network *networks, size_t count, const struct address *client)
{
	if (count == 0 || !address_is_ip(client))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (network_contains(&networks[i], client))
			return true;
	}
	return false;
}
