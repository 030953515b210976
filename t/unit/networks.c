/* SPDX-License-Identifier: ISC */
/* Require and the lists of address blocks: they accumulate within bounds, print as they are read, and can be emptied. */
#include "settings/value.h"
#include "unit/tap_settings.h"

/* All that a row prints, with a semicolon behind each. */
static void
expect_printed(const char *name, const struct settings *settings, const char *expected)
{
	const struct directive *row = directive_find(name);
	struct buf out = {0};
	size_t index = 0;
	while (row->print(row, settings, index++, &out) == 1)
		buf_printf(&out, ";");
	CU_ASSERT_STRING_EQUAL(buf_string(&out), expected);
	if (strcmp(buf_string(&out), expected) != 0)
		printf("# %s: %s\n", name, buf_string(&out));
	buf_fini(&out);
}

/* Sets it once more; NULL as `expected`: it is good, else how the message begins, and nothing is changed. */
static void
expect_set(const char *name, struct settings *settings, const char *text, const char *expected)
{
	static struct settings before;
	const struct directive *row = directive_find(name);
	struct buf scratch = {0};
	before = *settings;
	const char *wrong = row->set(row, settings, text, &scratch);
	CU_ASSERT_EQUAL(wrong == NULL, expected == NULL);
	if (wrong != NULL && expected != NULL) {
		CU_ASSERT_EQUAL(strncmp(wrong, expected, strlen(expected)), 0);
		if (strncmp(wrong, expected, strlen(expected)) != 0)
			printf("# %s %s: %s\n", name, text, wrong);
		CU_ASSERT_EQUAL(memcmp(settings, &before, sizeof before), 0);
	}
	buf_fini(&scratch);
}

static void
require(void)
{
	static struct settings settings;
	expect_set("Require", &settings, "ALL Granted", NULL);
	expect_set("Require", &settings, "all denied", NULL);
	expect_set("Require", &settings, "ip 10.1.2.3/8 ::1", NULL);
	expect_set("Require", &settings, "Not IP 10.9.0.0/16", NULL);
	expect_printed("Require", &settings,
		"all granted;all denied;ip 10.0.0.0/8;ip ::1;not ip 10.9.0.0/16;");
}

static void
require_bad(void)
{
	static const char *const forms[] = {"", "all", "all allowed", "all granted now", "none",
		"granted", "10.0.0.0/8", "not", "not all granted", "not 10.0.0.0/8",
		"not not ip ::1", "valid-user"};
	static struct settings settings;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		expect_set(
			"Require", &settings, forms[i], "must be all granted, all denied, or ip");
	expect_set("Require", &settings, "ip", "must name an address behind ip");
	expect_set("Require", &settings, "not ip", "must name an address behind ip");
	expect_set("Require", &settings, "ip ::1 x/y", "'x/y': no address");
	expect_set("Require", &settings, "not ip 10.0.0.0/40", "'10.0.0.0/40': no number of bits");
}

static void
require_bound(void)
{
	static struct settings settings;
	for (int i = 0; i < ACCESS_RULES_MAX - 1; i++)
		expect_set("Require", &settings, i % 2 == 0 ? "ip ::1" : "all denied", NULL);
	expect_set("Require", &settings, "ip ::1 ::2", "256 rules are the most");
	expect_set("Require", &settings, "not ip ::1", NULL);
	expect_set("Require", &settings, "all granted", "256 rules are the most");
}

static void
lists(void)
{
	static const char *const names[] = {"ProxyTrusted", "RateLimitExempt"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		static struct settings settings;
		memset(&settings, 0, sizeof settings);
		expect_printed(names[i], &settings, "none;");
		expect_set(names[i], &settings, "NONE", NULL);
		expect_printed(names[i], &settings, "none;");
		expect_set(names[i], &settings, "127.0.0.1 10.0.0.0/8", NULL);
		expect_set(names[i], &settings, "2001:db8::/32", NULL);
		expect_printed(names[i], &settings, "127.0.0.1;10.0.0.0/8;2001:db8::/32;");
		expect_set(names[i], &settings, "none", "none stands alone");
		expect_set(names[i], &settings, "", "must be none, or address blocks");
		expect_set(names[i], &settings, "none ::1", "'none': no address");
		expect_set(names[i], &settings, "localhost", "'localhost': no address");
		for (int n = 3; n < SETTINGS_NETWORKS_MAX; n++)
			expect_set(names[i], &settings, "::1", NULL);
		expect_set(names[i], &settings, "::1", "256 blocks are the most");
	}
}

/* A list is the strongest source's alone; `none` empties it. */
static void
sources(void)
{
	static char text[] = "Require all denied\nRequire ip 10.0.0.0/8\nRateLimitExempt ::1\n"
			     "RateLimitExempt ::2\n";
	const char *const extra[] = {"Require all granted", "RateLimitExempt none"};
	struct settings_sources sources = {.file = "conf", .extra = extra, .extra_count = 2};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(text), &loaded, &errors), 0);
	expect_printed("Require", &loaded.settings, "all granted;");
	expect_printed("RateLimitExempt", &loaded.settings, "none;");
	settings_loaded_fini(&loaded);
	sources.extra_count = 0;
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(text), &loaded, &errors), 0);
	expect_printed("Require", &loaded.settings, "all denied;ip 10.0.0.0/8;");
	expect_printed("RateLimitExempt", &loaded.settings, "::1;::2;");
	settings_loaded_fini(&loaded);
	buf_fini(&errors);
}

static void
proxies(void)
{
	struct settings_loaded loaded;
	expect_mistakes("Listen 1\nListen 2 proxy\n", NULL,
		"conf:2: Listen: proxy refuses everybody without ProxyTrusted, name the load "
		"balancer there as in ProxyTrusted 192.0.2.10\n");
	if (load_good("Listen 2 proxy\nProxyTrusted 192.0.2.10\n", NULL, &loaded))
		settings_loaded_fini(&loaded);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"who may connect", require},
		{"what says nothing of it", require_bad},
		{"not without bound", require_bound},
		{"lists of blocks", lists},
		{"the strongest source", sources},
		{"a listener that would serve nobody", proxies},
		{NULL, NULL},
	};
	return tap_main("networks", cases);
}
