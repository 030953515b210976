/* SPDX-License-Identifier: ISC */
/* What a reload changes, and what it must not. */
#include "settings/diff.h"

#include "settings/load.h"
#include "unit/tap.h"

static struct settings
settings_of(const char *text)
{
	static char *const environment[] = {NULL};
	const struct settings_sources sources = {.file = "conf", .environment = environment};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(text), &loaded, &errors), 0);
	struct settings settings = loaded.settings;
	settings_loaded_fini(&loaded);
	buf_fini(&errors);
	return settings;
}

static void
expect_diff(
	const char *old_text, const char *new_text, enum directive_scope scope, const char *names)
{
	struct settings old = settings_of(old_text), new = settings_of(new_text);
	struct buf found = {0};
	int count = settings_diff(&old, &new, scope, &found);
	CU_ASSERT_EQUAL(count > 0, names[0] != '\0');
	CU_ASSERT_STRING_EQUAL(buf_string(&found), names);
	buf_fini(&found);
}

static void
by_scope(void)
{
	static const char text[] = "MinLogLevel ERROR\nIdleTimeout 5\nListen 1\nListen 2\n"
				   "Workers 7\nPidFile x\nRateLimitTableSize 5\n";
	expect_diff(text, text, SCOPE_LIVE, "");
	expect_diff("", text, SCOPE_LIVE, "MinLogLevel, IdleTimeout");
	expect_diff("Workers 1\n", text, SCOPE_NEW_WORKERS, "Listen, Workers");
	expect_diff("", text, SCOPE_RESTART, "RateLimitTableSize, PidFile");
}

static void
listen_lines(void)
{
	expect_diff("Listen 1\nListen 2\n", "Listen 2\nListen 1\n", SCOPE_NEW_WORKERS, "Listen");
	expect_diff("Listen 1\nListen 2\n", "Listen 1\n", SCOPE_NEW_WORKERS, "Listen");
	expect_diff("Listen 127.0.0.1:1\n", "listen  '127.0.0.1:1'\n", SCOPE_NEW_WORKERS, "");
}

/* What an earlier, longer value has left behind its end is no difference. */
static void
rests(void)
{
	expect_diff("LogDir /a/very/long/path\nLogDir x\n", "LogDir x\n", SCOPE_LIVE, "");
}

static void
keep(void)
{
	struct settings old = settings_of(
		"PidFile old\nUser root\nRateLimitTableSize 9\nWorkers 1\n");
	struct settings new = settings_of("PidFile new\nIdleTimeout 5\nWorkers 2\n");
	struct buf names = {0};
	settings_keep(&new, &old, SCOPE_RESTART);
	CU_ASSERT_EQUAL(settings_diff(&old, &new, SCOPE_RESTART, &names), 0);
	CU_ASSERT_STRING_EQUAL(new.pid_file, "old");
	CU_ASSERT_EQUAL(new.rate_limit_entries, 9);
	CU_ASSERT_EQUAL(new.idle_timeout_s, 5);
	CU_ASSERT_EQUAL(new.workers, 2);
	buf_fini(&names);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"differences by the scope of the directive", by_scope},
		{"Listen is compared with its order and count", listen_lines},
		{"only the value counts", rests},
		{"what needs a restart is kept, the rest is not", keep},
		{NULL, NULL},
	};
	return tap_main("diff", cases);
}
