/* SPDX-License-Identifier: ISC */
/* Listing and resetting the rate limiter's clients, and listing those that were denied access. */
#include "ctl/limits.h"

#include <err.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "figures/addresses.h"
#include "figures/document.h"
#include "figures/words.h"

static int
told(const struct addresses *clients)
{
	if (!clients->incomplete)
		return EX_OK;
	warnx("not all addresses: there is no memory for more");
	return EX_OSERR;
}

int
limits_print(FILE *out, const struct shared *shared, bool all)
{
	struct addresses clients = {0};
	char address[ADDRESS_TEXT_MAX], left[WORDS_MAX];
	addresses_list(&clients, shared, all ? ADDRESSES_ALL : ADDRESSES_LIMITED_NOW);
	fprintf(out, "%-39s %12s %12s %10s %s\n", "address", "passed", "limited", "left",
		all ? "now" : "");
	for (size_t i = 0; i < clients.count; i++) {
		const struct limiter_client *client = &clients.items[i];
		fprintf(out, "%-39s %12" PRId64 " %12" PRIu64 " %10s %s\n",
			address_format(&client->address, address), client->used, client->limited,
			client->left_ms == 0 ? "-" : words_span(client->left_ms + 999, left),
			all && client->is_limited ? "limited" : "");
	}
	int status = told(&clients);
	addresses_fini(&clients);
	return status;
}

typedef struct json_object *describe(const struct limiter_client *client);

static int
print_array(FILE *out, const struct shared *shared, enum addresses_wanted wanted,
	describe *describe_client)
{
	struct addresses clients = {0};
	struct json_object *array = json_object_new_array();
	if (array == NULL)
		return EX_OSERR;
	addresses_list(&clients, shared, wanted);
	for (size_t i = 0; i < clients.count; i++)
		json_object_array_add(array, describe_client(&clients.items[i]));
	const char *text = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PRETTY);
	fprintf(out, "%s\n", text == NULL ? "[]" : text);
	json_object_put(array);
	int status = text == NULL ? EX_OSERR : told(&clients);
	addresses_fini(&clients);
	return status;
}

int
limits_print_json(FILE *out, const struct shared *shared, bool all)
{
	return print_array(
		out, shared, all ? ADDRESSES_ALL : ADDRESSES_LIMITED_NOW, document_client);
}

int
limits_print_denied(FILE *out, const struct shared *shared)
{
	struct addresses clients = {0};
	char address[ADDRESS_TEXT_MAX], ago[WORDS_MAX];
	addresses_list(&clients, shared, ADDRESSES_DENIED);
	fprintf(out, "%-39s %12s %10s\n", "address", "denied", "last");
	for (size_t i = 0; i < clients.count; i++) {
		const struct limiter_client *client = &clients.items[i];
		fprintf(out, "%-39s %12" PRIu64 " %10s ago\n",
			address_format(&client->address, address), client->limited,
			words_span(limiter_noted_ms(client), ago));
	}
	int status = told(&clients);
	addresses_fini(&clients);
	return status;
}

int
limits_print_denied_json(FILE *out, const struct shared *shared)
{
	return print_array(out, shared, ADDRESSES_DENIED, document_denied);
}

/* How many bits two addresses have in common at their beginning. */
static unsigned
common_bits(const struct address *a, const struct address *b)
{
	unsigned bits = 0;
	for (size_t i = 0; i < sizeof a->bytes; i++, bits += 8) {
		unsigned differ = a->bytes[i] ^ b->bytes[i];
		if (differ != 0)
			return bits + (unsigned)__builtin_clz(differ << 24);
	}
	return bits;
}

static bool
is_prefix(const struct address *prefix, const struct address *address)
{
	struct address cut = address_prefix(address, common_bits(prefix, address));
	return address_equal(&cut, prefix);
}

/* The longest prefix that the table knows: which one is counted by is a setting that may have changed. */
static const struct limiter_client *
find_by_prefix(const struct addresses *clients, const struct address *address)
{
	const struct limiter_client *longest = NULL;
	for (size_t i = 0; i < clients->count; i++) {
		const struct limiter_client *client = &clients->items[i];
		/* Of two prefixes of one address the longer one is the greater number. */
		if (is_prefix(&client->address, address) &&
			(longest == NULL || memcmp(&client->address, &longest->address,
						    sizeof client->address) > 0))
			longest = client;
	}
	return longest;
}

int
limits_reset(const struct shared *shared, const char *text)
{
	struct addresses clients = {0};
	struct address address;
	if (!address_parse(text, &address)) {
		warnx("%s is no IPv4 or IPv6 address, and no user as in uid:1000", text);
		return EX_USAGE;
	}
	addresses_list(&clients, shared, ADDRESSES_ALL);
	const struct limiter_client *client = find_by_prefix(&clients, &address);
	int status = EX_OK;
	if (client != NULL) {
		limiter_forget(shared->limiter, shared->limiter_entries, client);
		printf("%s begins a new window with its next line\n", text);
	} else if ((status = told(&clients)) == EX_OK) {
		warnx("%s: the rate limiter does not know this address", text);
		status = EX_NOHOST;
	}
	addresses_fini(&clients);
	return status;
}
