/* SPDX-License-Identifier: ISC */
/* The types that are made of address blocks: Require, StatusRequire, and plain lists such as ProxyTrusted. */
#include "base/reason.h"
#include "settings/mistake.h"
#include "settings/value.h"

enum { QUOTED_MAX = 64 }; /* bytes of a bad word that a message shows */

/* Where the blocks of a line are put: one after the other, `size` bytes apart. */
struct room {
	struct network *first;
	size_t size;
	size_t left, most; /* how many there is room for here, and in all */
};

static struct network *
place(const struct room *room, size_t i)
{
	return (struct network *)(void *)((char *)room->first + i * room->size);
}

/* Reads the blocks of a line.  How many, or -1 with what is wrong. */
static int
read_networks(struct slice words, const struct room *room, const char **wrong, struct buf *scratch)
{
	struct slice word;
	size_t count = 0;
	while (slice_next_word(&words, &word)) {
		if (count == room->left) {
			*wrong = reason_format(scratch, "%zu blocks are the most", room->most);
			return -1;
		}
		const char *reason = network_parse(word, place(room, count++));
		if (reason != NULL) {
			*wrong = reason_format(scratch, "'%.*s': %s",
				(int)(word.len < QUOTED_MAX ? word.len : QUOTED_MAX), word.data,
				reason);
			return -1;
		}
	}
	if (count == 0)
		*wrong = "must name an address behind ip, as in ip 127.0.0.1 10.0.0.0/8";
	return count == 0 ? -1 : (int)count;
}

/* Takes the word off the front of the others, if it is there. */
static bool
take_word(struct slice *words, const char *word)
{
	struct slice rest = *words, first;
	if (!slice_next_word(&rest, &first) || !slice_equal_nocase(first, slice_of(word)))
		return false;
	*words = rest;
	return true;
}

static bool
is_over(struct slice words)
{
	struct slice word;
	return !slice_next_word(&words, &word);
}

static const char *
add_rules(struct settings *settings, const struct access_rule *rules, size_t count,
	struct buf *scratch)
{
	size_t there = (size_t)settings->require_count;
	if (count > ACCESS_RULES_MAX - there)
		return reason_format(scratch, "%d rules are the most", ACCESS_RULES_MAX);
	memcpy(settings->require + there, rules, count * sizeof *rules);
	settings->require_count += (int64_t)count;
	return NULL;
}

/* What stands behind ip. */
static const char *
add_networks(
	struct settings *settings, enum access_word word, struct slice words, struct buf *scratch)
{
	struct access_rule rules[ACCESS_RULES_MAX] = {0};
	const struct room room = {
		&rules[0].network, sizeof rules[0], ACCESS_RULES_MAX, ACCESS_RULES_MAX};
	const char *wrong = NULL;
	int count = read_networks(words, &room, &wrong, scratch);
	if (wrong != NULL)
		return wrong;
	for (int i = 0; i < count; i++)
		rules[i].word = (int32_t)word;
	return add_rules(settings, rules, (size_t)count, scratch);
}

const char *
value_set_require(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	(void)directive;
	struct slice words = slice_of(text);
	bool not = take_word(&words, "not");
	if (take_word(&words, "ip"))
		return add_networks(settings, not ? ACCESS_NOT_IP : ACCESS_IP, words, scratch);
	bool all = !not &&take_word(&words, "all");
	bool denied = all && take_word(&words, "denied");
	if (all && (denied || take_word(&words, "granted")) && is_over(words)) {
		const struct access_rule rule = {
			.word = denied ? ACCESS_ALL_DENIED : ACCESS_ALL_GRANTED};
		return add_rules(settings, &rule, 1, scratch);
	}
	return reason_format(scratch,
		"must be all granted, all denied, or ip or not ip and address blocks as in ip "
		"10.0.0.0/8, not '%.64s'",
		text);
}

int
value_print_require(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	static const char *const words[] = {[ACCESS_ALL_GRANTED] = "all granted",
		[ACCESS_ALL_DENIED] = "all denied",
		[ACCESS_IP] = "ip ",
		[ACCESS_NOT_IP] = "not ip "};
	char text[NETWORK_TEXT_MAX] = "";
	if (index >= (size_t)settings->require_count)
		return 0;
	const struct access_rule *rule = &settings->require[index];
	if (rule->word == ACCESS_IP || rule->word == ACCESS_NOT_IP)
		network_format(&rule->network, text);
	return buf_printf(out, "%s%s", words[rule->word], text) == 0 ? 1 : -1;
}

/* How many blocks the directive's field holds. */
static int64_t
count_of(const struct directive *directive, const struct settings *settings)
{
	int64_t count;
	memcpy(&count, (const char *)settings + directive->count_offset, sizeof count);
	return count;
}

const char *
value_set_networks(const struct directive *directive, struct settings *settings, const char *text,
	struct buf *scratch)
{
	struct network networks[SETTINGS_NETWORKS_MAX] = {0};
	int64_t there = count_of(directive, settings);
	size_t most = directive->size / sizeof networks[0];
	const struct room room = {networks, sizeof networks[0], most - (size_t)there, most};
	struct slice words = slice_of(text);
	const char *wrong = NULL;
	if (take_word(&words, "none") && is_over(words))
		return there == 0 ? NULL : "none stands alone, remove it or the other lines";
	if (is_over(slice_of(text)))
		return "must be none, or address blocks as in 127.0.0.1 10.0.0.0/8";
	int count = read_networks(slice_of(text), &room, &wrong, scratch);
	if (wrong != NULL)
		return wrong;
	char *field = (char *)settings + directive->offset;
	memcpy(field + (size_t)there * sizeof networks[0], networks,
		(size_t)count * sizeof networks[0]);
	there += count;
	memcpy((char *)settings + directive->count_offset, &there, sizeof there);
	return NULL;
}

int
value_print_networks(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	struct network network;
	char text[NETWORK_TEXT_MAX] = "none";
	size_t count = (size_t)count_of(directive, settings);
	if (index > 0 && index >= count)
		return 0;
	if (count > 0) {
		const char *field = (const char *)settings + directive->offset;
		memcpy(&network, field + index * sizeof network, sizeof network);
		network_format(&network, text);
	}
	return buf_append(out, slice_of(text)) == 0 ? 1 : -1;
}

const char *
value_set_status_require(const struct directive *directive, struct settings *settings,
	const char *text, struct buf *scratch)
{
	(void)directive;
	struct network networks[SETTINGS_REQUIRE_MAX] = {0};
	const struct room room = {
		networks, sizeof networks[0], SETTINGS_REQUIRE_MAX, SETTINGS_REQUIRE_MAX};
	struct slice words = slice_of(text);
	const char *wrong = NULL;
	int count = 0;
	if (take_word(&words, "ip"))
		count = read_networks(words, &room, &wrong, scratch);
	else if (!take_word(&words, "all") || !is_over(words))
		wrong = reason_format(scratch,
			"must be all, or ip and address blocks as in ip 127.0.0.1 10.0.0.0/8, not "
			"'%.64s'",
			text);
	if (wrong != NULL)
		return wrong;
	memcpy(settings->status_require, networks, sizeof networks);
	settings->status_require_count = count;
	return NULL;
}

int
value_print_status_require(const struct directive *directive, const struct settings *settings,
	size_t index, struct buf *out)
{
	(void)directive;
	char text[NETWORK_TEXT_MAX];
	if (index > 0)
		return 0;
	int failed = buf_printf(out, settings->status_require_count == 0 ? "all" : "ip");
	for (int64_t i = 0; i < settings->status_require_count; i++)
		failed |= buf_printf(
			out, " %s", network_format(&settings->status_require[i], text));
	return failed == 0 ? 1 : -1;
}
