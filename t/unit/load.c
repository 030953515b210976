/* SPDX-License-Identifier: ISC */
/* Defaults, precedence and origins; the shipped configuration is the defaults. */
#include "settings/load.h"

#include <unistd.h>

#include "base/errlog.h"
#include "settings/directive.h"
#include "unit/tap_settings.h"

static void
defaults(void)
{
	struct settings_loaded loaded;
	CU_ASSERT_TRUE_FATAL(load_good("", NULL, &loaded));
	const struct settings *s = &loaded.settings;
	CU_ASSERT_EQUAL(s->listen_count, 1);
	CU_ASSERT_STRING_EQUAL(s->listen[0].endpoint.host, "0.0.0.0");
	CU_ASSERT_EQUAL(s->listen[0].endpoint.port, 9000);
	CU_ASSERT_EQUAL(s->policy.min_level, LEVEL_INFO);
	CU_ASSERT_EQUAL(s->policy.unknown_level, UNKNOWN_LEVEL_FILTER);
	CU_ASSERT_EQUAL(s->policy.log_format, LOG_FORMAT_TEXT);
	CU_ASSERT_EQUAL(s->policy.persist, 1);
	CU_ASSERT_EQUAL(s->policy.max_line_bytes, 1048576);
	CU_ASSERT_EQUAL(s->buffer_bytes, 4096);
	CU_ASSERT_STRING_EQUAL(s->log_dir, "./logs");
	CU_ASSERT_STRING_EQUAL(s->log_filename, "server.log");
	CU_ASSERT_EQUAL(s->log_sync, 0);
	CU_ASSERT_EQUAL(s->rate_limit, 1);
	CU_ASSERT_EQUAL(s->rate_limit_max, 100);
	CU_ASSERT_EQUAL(s->rate_limit_window_s, 60);
	CU_ASSERT_EQUAL(s->rate_limit_entries, 65536);
	CU_ASSERT_EQUAL(s->rate_limit_ipv6_prefix, 64);
	CU_ASSERT_EQUAL(s->workers, sysconf(_SC_NPROCESSORS_ONLN));
	CU_ASSERT_EQUAL(s->threads_per_worker, 1024);
	CU_ASSERT_EQUAL(s->listen_backlog, 511);
	CU_ASSERT_EQUAL(s->max_connections_per_client, 0);
	CU_ASSERT_EQUAL(s->idle_timeout_s, 0);
	CU_ASSERT_EQUAL(s->send_timeout_s, 30);
	CU_ASSERT_EQUAL(s->graceful_shutdown_timeout_s, 10);
	CU_ASSERT_STRING_EQUAL(s->pid_file, "");
	CU_ASSERT_STRING_EQUAL(s->scoreboard_file, "");
	CU_ASSERT_STRING_EQUAL(s->error_log, "stderr");
	CU_ASSERT_EQUAL(s->error_log_level, ERRLOG_INFO);
	CU_ASSERT_STRING_EQUAL(s->user, "");
	CU_ASSERT_STRING_EQUAL(s->group, "");
	for (size_t i = 0; i < directives_count; i++) {
		if (loaded.origins[i].count > 0)
			CU_ASSERT_STRING_EQUAL(loaded.origins[i].items[0], "default");
	}
	settings_loaded_fini(&loaded);
}

/* The numbers that the rest of the program gives the words. */
static void
words(void)
{
	static const char text[] = "UnknownLevel reject\nLogFormat raw\nLogLevel debug\n"
				   "MinLogLevel warn\nLogSync always\nRateLimit off\n";
	struct settings_loaded loaded;
	CU_ASSERT_TRUE_FATAL(load_good(text, NULL, &loaded));
	CU_ASSERT_EQUAL(loaded.settings.policy.unknown_level, UNKNOWN_LEVEL_REJECT);
	CU_ASSERT_EQUAL(loaded.settings.policy.log_format, LOG_FORMAT_RAW);
	CU_ASSERT_EQUAL(loaded.settings.policy.min_level, LEVEL_WARNING);
	CU_ASSERT_EQUAL(loaded.settings.error_log_level, ERRLOG_DEBUG);
	CU_ASSERT_EQUAL(loaded.settings.log_sync, -1);
	CU_ASSERT_EQUAL(loaded.settings.rate_limit, 0);
	settings_loaded_fini(&loaded);
}

static void
expect_origin(const struct settings_loaded *loaded, const char *name, const char *origin)
{
	CU_ASSERT_STRING_EQUAL(loaded->origins[directive_find(name) - directives].items[0], origin);
}

static void
precedence(void)
{
	static const char file[] =
		"BufferSize 2\nBufferSize 3\nLogDir f\nLogFilename f\nIdleTimeout 1\n";
	static const char *const extra[] = {"LogFilename c", "logfilename c2"};
	char *environment[] = {(char[]){"LOG_DIR=e"}, (char[]){"LOG_FILENAME=e"}, NULL};
	struct settings_sources sources = {
		.file = "conf", .environment = environment, .extra = extra, .extra_count = 2};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(file), &loaded, &errors), 0);
	CU_ASSERT_EQUAL(loaded.settings.buffer_bytes, 3);
	CU_ASSERT_STRING_EQUAL(loaded.settings.log_dir, "e");
	CU_ASSERT_STRING_EQUAL(loaded.settings.log_filename, "c2");
	expect_origin(&loaded, "SendTimeout", "default");
	expect_origin(&loaded, "Workers", "default");
	expect_origin(&loaded, "BufferSize", "conf:2");
	expect_origin(&loaded, "IdleTimeout", "conf:5");
	expect_origin(&loaded, "LogDir", "environment LOG_DIR");
	expect_origin(&loaded, "LogFilename", "command line");
	settings_loaded_fini(&loaded);
	buf_fini(&errors);
}

static void
listen_of_the_strongest(void)
{
	static const char file[] = "Listen 1\nListen 2\n";
	const size_t listen = (size_t)(directive_find("Listen") - directives);
	static const char *const extra[] = {"Listen 4", "Listen [::1]:5"};
	char *environment[] = {(char[]){"SERVER_PORT=3"}, NULL};
	struct settings_sources sources = {
		.file = "conf", .environment = environment, .extra = extra, .extra_count = 2};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(file), &loaded, &errors), 0);
	CU_ASSERT_EQUAL(loaded.settings.listen_count, 2);
	CU_ASSERT_EQUAL(loaded.settings.listen[0].endpoint.port, 4);
	CU_ASSERT_EQUAL(loaded.settings.listen[1].endpoint.port, 5);
	CU_ASSERT_STRING_EQUAL(loaded.origins[listen].items[1], "command line");
	CU_ASSERT_EQUAL(loaded.origins[listen].count, 2);
	settings_loaded_fini(&loaded);
	sources.extra_count = 0;
	CU_ASSERT_EQUAL_FATAL(settings_load_text(&sources, slice_of(file), &loaded, &errors), 0);
	CU_ASSERT_EQUAL(loaded.settings.listen_count, 1);
	CU_ASSERT_EQUAL(loaded.settings.listen[0].endpoint.port, 3);
	CU_ASSERT_STRING_EQUAL(loaded.origins[listen].items[0], "environment SERVER_PORT");
	settings_loaded_fini(&loaded);
	buf_fini(&errors);
}

/* The same address again is a mistake within a source, not over a weaker one. */
static void
listen_twice(void)
{
	expect_mistakes("Listen 9000\n", NULL, "");
	expect_mistakes("Listen 1\nListen *:1\n", NULL,
		"conf:2: Listen: 0.0.0.0:1 stands twice, remove one of them\n");
}

static void
every_source_tells_its_mistakes(void)
{
	static const char *const extra[] = {
		"Workers 2", "Worker 2", "Include none", "", "LogDir ${X}"};
	char *environment[] = {(char[]){"BUFFER_SIZE=x"}, NULL};
	struct settings_sources sources = {
		.file = "no/such", .environment = environment, .extra = extra, .extra_count = 5};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL(settings_load(&sources, &loaded, &errors), 5);
	CU_ASSERT_STRING_EQUAL(buf_string(&errors),
		"no/such: cannot open: No such file or directory\n"
		"environment: BUFFER_SIZE: must be a whole number from 1 to 1073741824, not 'x'\n"
		"-c 2: Worker: unknown directive, did you mean Workers?\n"
		"-c 3: Include: no file matches 'none', IncludeOptional would allow that\n"
		"-c 5: LogDir: ${X} is not set in the environment, set it or write \\${ for the "
		"characters themselves\n");
	buf_fini(&errors);
}

static void
no_file(void)
{
	struct settings_sources sources = {0};
	struct settings_loaded loaded;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load(&sources, &loaded, &errors), 0);
	CU_ASSERT_EQUAL(loaded.settings.buffer_bytes, 4096);
	settings_loaded_fini(&loaded);
}

static const char shipped[] = "conf/logcollectd.conf";

static void
shipped_is_default(void)
{
	struct settings_sources sources = {.file = shipped};
	struct settings_loaded loaded, built_in;
	struct buf errors = {0};
	CU_ASSERT_EQUAL_FATAL(settings_load(&sources, &loaded, &errors), 0);
	/* The monitor is off where nothing is said, and shipped for this machine alone. */
	CU_ASSERT_TRUE_FATAL(load_good("StatusListen 127.0.0.1:9080", NULL, &built_in));
	CU_ASSERT_EQUAL(memcmp(&loaded.settings, &built_in.settings, sizeof built_in.settings), 0);
	for (size_t i = 0; i < directives_count; i++) {
		if (directives[i].default_value == NULL)
			continue;
		const char *origin = loaded.origins[i].items[0];
		bool written = strncmp(origin, shipped, strlen(shipped)) == 0;
		CU_ASSERT_TRUE(written);
		if (!written)
			printf("# %s is not in %s\n", directives[i].name, shipped);
	}
	settings_loaded_fini(&loaded);
	settings_loaded_fini(&built_in);
}

/* Whether a line begins with the name, or with # and the name. */
static bool
is_named(const char *text, const char *name)
{
	char wanted[64];
	for (int hash = 0; hash < 2; hash++) {
		snprintf(wanted, sizeof wanted, "\n%s%s ", hash ? "#" : "", name);
		if (strstr(text, wanted) != NULL)
			return true;
	}
	return false;
}

static void
shipped_names_all(void)
{
	static char text[65536];
	FILE *file = fopen(shipped, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	for (size_t i = 0; i < directives_count; i++) {
		bool named = is_named(text, directives[i].name);
		CU_ASSERT_TRUE(named);
		if (!named)
			printf("# %s is not in %s\n", directives[i].name, shipped);
		const char *variables = directives[i].environment;
		if (variables != NULL)
			CU_ASSERT_PTR_NOT_NULL(
				strstr(text, strcmp(variables, "SERVER_HOST SERVER_PORT") == 0
						     ? "SERVER_HOST, SERVER_PORT"
						     : variables));
	}
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the built-in defaults", defaults},
		{"words mean what the program takes them for", words},
		{"the stronger source wins, origins say which", precedence},
		{"Listen lines are those of the strongest source", listen_of_the_strongest},
		{"the same address twice", listen_twice},
		{"every source tells its mistakes", every_source_tells_its_mistakes},
		{"no file at all", no_file},
		{"the shipped configuration is the defaults, written out, and a monitor",
			shipped_is_default},
		{"the shipped configuration names every directive", shipped_names_all},
		{NULL, NULL},
	};
	return tap_main("load", cases);
}
