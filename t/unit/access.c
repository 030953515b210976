/* SPDX-License-Identifier: ISC */
/* Who may connect: every kind of rule, alone and together, and who has no address. */
#include "core/access.h"

#include "unit/tap.h"

enum { RULES = 4 };

static struct network
block(const char *text)
{
	struct network network = {.bits = 0};
	CU_ASSERT_PTR_NULL_FATAL(network_parse(slice_of(text), &network));
	return network;
}

/* Written as g (all granted), d (all denied), +BLOCK or -BLOCK. */
static size_t
make_rules(const char *const texts[static RULES], struct access_rule rules[static RULES])
{
	size_t count = 0;
	for (; count < RULES && texts[count] != NULL; count++) {
		const char *text = texts[count];
		rules[count] = (struct access_rule){.word = ACCESS_ALL_GRANTED};
		if (text[0] == 'd')
			rules[count].word = ACCESS_ALL_DENIED;
		if (text[0] != '+' && text[0] != '-')
			continue;
		rules[count].word = text[0] == '+' ? ACCESS_IP : ACCESS_NOT_IP;
		rules[count].network = block(text + 1);
	}
	return count;
}

static void
by_rules(void)
{
	static const struct {
		const char *rules[RULES], *granted, *denied; /* clients; NULL: none to be asked */
	} cases[] = {
		{{NULL}, "192.0.2.1", NULL},
		{{"g"}, "2001:db8::1", NULL},
		{{"d"}, NULL, "192.0.2.1"},
		{{"+10.0.0.0/8"}, "10.1.2.3", "192.0.2.1"},
		{{"+10.0.0.0/8", "+2001:db8::/32"}, "2001:db8::1", "2001:db9::1"},
		{{"-10.0.0.0/8"}, "192.0.2.1", "10.1.2.3"},
		{{"-10.0.0.0/8", "-192.0.2.0/24"}, "198.51.100.1", "192.0.2.9"},
		{{"+10.0.0.0/8", "-10.1.0.0/16"}, "10.2.0.0", "10.1.255.255"},
		{{"-10.1.0.0/16", "+10.0.0.0/8"}, "10.2.0.0", "10.1.255.255"},
		{{"-10.1.0.0/16", "+10.0.0.0/8"}, NULL, "192.0.2.1"},
		{{"g", "-10.0.0.0/8"}, "192.0.2.1", "10.0.0.1"},
		{{"d", "+10.0.0.0/8"}, "10.0.0.1", "192.0.2.1"},
		{{"d", "-10.0.0.0/8"}, NULL, "192.0.2.1"},
		{{"g", "d"}, "192.0.2.1", NULL},
		{{"+0.0.0.0/0"}, "192.0.2.1", "2001:db8::1"},
		{{"+::/0"}, "192.0.2.1", NULL},
		{{"-::ffff:10.0.0.0/104"}, "11.0.0.0", "10.0.0.1"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct access_rule rules[RULES];
		size_t count = make_rules(cases[i].rules, rules);
		if (cases[i].granted != NULL) {
			struct network client = block(cases[i].granted);
			CU_ASSERT(access_granted(rules, count, &client.address));
		}
		if (cases[i].denied != NULL) {
			struct network client = block(cases[i].denied);
			CU_ASSERT(!access_granted(rules, count, &client.address));
		}
	}
}

/* Only `all` speaks of it. */
static void
without_address(void)
{
	static const struct address nobody = {{0}}, multicast = {{0xff, 0x02, [15] = 1}};
	static const struct {
		const char *rules[RULES];
		bool granted;
	} cases[] = {
		{{NULL}, true},
		{{"g"}, true},
		{{"d"}, false},
		{{"+10.0.0.0/8"}, true},
		{{"-::/0"}, true},
		{{"d", "+::/0"}, false},
		{{"g", "-::/0"}, true},
	};
	const struct network everybody = block("::/0");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct access_rule rules[RULES];
		size_t count = make_rules(cases[i].rules, rules);
		CU_ASSERT_EQUAL(access_granted(rules, count, &nobody), cases[i].granted);
		CU_ASSERT_EQUAL(access_granted(rules, count, &multicast), cases[i].granted);
	}
	CU_ASSERT(!access_lists(&everybody, 1, &nobody));
	CU_ASSERT(!access_lists(&everybody, 1, &multicast));
}

static void
lists(void)
{
	const struct network blocks[] = {block("10.0.0.0/8"), block("::1")};
	const struct network inside = block("10.9.9.9"), mapped = block("::ffff:10.0.0.1"),
			     last = block("::1"), outside = block("::2");
	CU_ASSERT(access_lists(blocks, 2, &inside.address));
	CU_ASSERT(access_lists(blocks, 2, &mapped.address));
	CU_ASSERT(access_lists(blocks, 2, &last.address));
	CU_ASSERT(!access_lists(blocks, 1, &last.address));
	CU_ASSERT(!access_lists(blocks, 2, &outside.address));
	CU_ASSERT(!access_lists(blocks, 0, &inside.address));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"by rules", by_rules},
		{"who has no address is not judged by it", without_address},
		{"lists of blocks", lists},
		{NULL, NULL},
	};
	return tap_main("access", cases);
}
