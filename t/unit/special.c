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

/* Asserts what the row prints after it was given the text, or that it refuses with those words. */
static void
expect_status(const char *name, const char *text, const char *expected, bool good)
{
	struct settings settings;
	struct buf scratch = {0}, out = {0};
	const struct directive *row = directive_find(name);
	memset(&settings, 0xff, sizeof settings);
	const char *wrong = row->set(row, &settings, text, &scratch);
	CU_ASSERT_EQUAL(wrong == NULL, good);
	if (wrong == NULL) {
		CU_ASSERT_EQUAL(row->print(row, &settings, 0, &out), 1);
		wrong = buf_string(&out);
	}
	CU_ASSERT_EQUAL(strncmp(wrong, expected, strlen(expected)), 0);
	if (strncmp(wrong, expected, strlen(expected)) != 0)
		printf("# %s %s: %s\n", name, text, wrong);
	buf_fini(&scratch);
	buf_fini(&out);
}

static void
status_listen(void)
{
	expect_status("StatusListen", "OFF", "off", true);
	expect_status("StatusListen", "9080", "0.0.0.0:9080", true);
	expect_status("StatusListen", "[::1]:0", "[::1]:0", true);
	expect_status("StatusListen", "unix:/run/x", "unix:/run/x", true);
	expect_status("StatusListen", "unix:x", "'unix:x': no absolute path", false);
	expect_status("StatusListen", "localhost", "'localhost': the port is missing", false);
	expect_status("StatusListen", "fd@x", "'fd@x': sockets that are passed", false);
}

static void
status_require(void)
{
	char many[1024] = "ip";
	expect_status("StatusRequire", "all", "all", true);
	expect_status("StatusRequire", "IP 10.1.2.3/8  ::1", "ip 10.0.0.0/8 ::1", true);
	expect_status("StatusRequire", "ip", "must name an address behind ip", false);
	expect_status("StatusRequire", "ip 10.0.0.0/8 x/y", "'x/y': no address", false);
	expect_status("StatusRequire", "ip 10.0.0.0/40", "'10.0.0.0/40': no number of bits", false);
	expect_status("StatusRequire", "10.0.0.0/8", "must be all, or ip", false);
	expect_status("StatusRequire", "all 10.0.0.0/8", "must be all, or ip", false);
	for (int i = 0; i <= SETTINGS_REQUIRE_MAX; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), " 10.0.0.%d", i);
	expect_status("StatusRequire", many, "32 blocks are the most", false);
	*strrchr(many, ' ') = '\0';
	expect_status("StatusRequire", many, many, true);
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
		{"where the monitor listens", status_listen},
		{"who may ask it", status_require},
		{NULL, NULL},
	};
	return tap_main("special", cases);
}
