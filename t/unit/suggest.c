/* SPDX-License-Identifier: ISC */
/* The nearest known name. */
#include "settings/directive.h"
#include "unit/tap.h"

static void
near(void)
{
	static const struct {
		const char *name, *nearest;
	} cases[] = {
		{"Lisen", "Listen"},
		{"Lsiten", "Listen"},
		{"listne", "Listen"},
		{"MinLogLevl", "MinLogLevel"},
		{"MIN_LOG_LEVEL", "MinLogLevel"},
		{"loglevle", "LogLevel"},
		{"LogFileName", "LogFilename"},
		{"Worker", "Workers"},
		{"PidFiles", "PidFile"},
		{"Usr", "User"},
		{"IncludeOptinal", "IncludeOptional"},
		{"RateLimitWindowSecond", "RateLimitWindowSeconds"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *nearest = directive_suggest(cases[i].name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(nearest);
		CU_ASSERT_STRING_EQUAL(nearest, cases[i].nearest);
	}
}

static void
far(void)
{
	static const char *const names[] = {"", "x", "ServerRoot", "VirtualHost", "<IfModule",
		"ListenListenListenListenListenListenListenListenListenListen"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		CU_ASSERT_PTR_NULL(directive_suggest(names[i]));
}

/* One letter less, one changed, two swapped: every name is found from each. */
static void
every_name(void)
{
	for (size_t i = 0; i < directives_count; i++) {
		const char *name = directives[i].name;
		size_t len = strlen(name);
		for (size_t at = 0; at + 1 < len; at++) {
			char changed[64];
			snprintf(changed, sizeof changed, "%.*s%s", (int)at, name, name + at + 1);
			CU_ASSERT_PTR_NOT_NULL(directive_suggest(changed));
			snprintf(changed, sizeof changed, "%s", name);
			changed[at] = '~';
			CU_ASSERT_STRING_EQUAL(directive_suggest(changed), name);
			changed[at] = name[at + 1];
			changed[at + 1] = name[at];
			CU_ASSERT_STRING_EQUAL(directive_suggest(changed), name);
		}
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"near names", near},
		{"nothing is near", far},
		{"one edit from every name", every_name},
		{NULL, NULL},
	};
	return tap_main("suggest", cases);
}
