/* SPDX-License-Identifier: ISC */
/* Listen accumulates within bounds; words that mean the same in any case. */
#include "core/level.h"
#include "settings/value.h"
#include "unit/tap.h"

static void
listen_accumulates(void)
{
	static struct settings settings;
	struct buf scratch = {0};
	const struct directive *row = directive_find("Listen");
	for (int i = 1; i <= SETTINGS_LISTEN_MAX; i++) {
		char text[32];
		snprintf(text, sizeof text, "127.0.0.1:%d", i);
		CU_ASSERT_PTR_NULL(row->set(row, &settings, text, &scratch));
		CU_ASSERT_EQUAL(settings.listen_count, i);
		if (i < SETTINGS_LISTEN_MAX)
			CU_ASSERT_PTR_NOT_NULL(row->set(row, &settings, text, &scratch));
	}
	const char *wrong = row->set(row, &settings, "127.0.0.1:99", &scratch);
	CU_ASSERT_PTR_NOT_NULL_FATAL(wrong);
	CU_ASSERT_STRING_EQUAL(wrong, "32 addresses are the most");
	buf_fini(&scratch);
}

static void
any_free_port_twice(void)
{
	static struct settings settings;
	struct buf scratch = {0};
	const struct directive *row = directive_find("Listen");
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "127.0.0.1:0", &scratch));
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "127.0.0.1:0", &scratch));
	CU_ASSERT_EQUAL(settings.listen_count, 2);
	buf_fini(&scratch);
}

static void
sync_numbers(void)
{
	static struct settings settings;
	struct buf scratch = {0};
	const struct directive *row = directive_find("LogSync");
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "ALWAYS", &scratch));
	CU_ASSERT_EQUAL(settings.log_sync, -1);
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "5", &scratch));
	CU_ASSERT_EQUAL(settings.log_sync, 5);
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "None", &scratch));
	CU_ASSERT_EQUAL(settings.log_sync, 0);
	buf_fini(&scratch);
}

static void
any_case(void)
{
	static struct settings settings;
	struct buf scratch = {0};
	const struct directive *row = directive_find("ErrorLog");
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "SysLog", &scratch));
	CU_ASSERT_STRING_EQUAL(settings.error_log, "syslog");
	CU_ASSERT_PTR_NULL(row->set(row, &settings, "SysLog.txt", &scratch));
	CU_ASSERT_STRING_EQUAL(settings.error_log, "SysLog.txt");
	row = directive_find("MinLogLevel");
	CU_ASSERT_PTR_NULL(row->set(row, &settings, " fatal ", &scratch));
	CU_ASSERT_EQUAL(settings.policy.min_level, LEVEL_CRITICAL);
	buf_fini(&scratch);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"Listen accumulates, each address once, 32 at most", listen_accumulates},
		{"port 0 may stand twice", any_free_port_twice},
		{"LogSync as a number", sync_numbers},
		{"words in any case", any_case},
		{NULL, NULL},
	};
	return tap_main("special", cases);
}
