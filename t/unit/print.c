/* SPDX-License-Identifier: ISC */
/* What is printed parses again to the same settings. */
#include "settings/directive.h"
#include "settings/value.h"
#include "unit/tap_settings.h"

/* Prints and loads again: equal bytes, and then equal text but for the origins. */
static void
expect_same_again(const char *text, char *const *environment)
{
	struct settings_loaded loaded, again;
	struct buf printed = {0};
	if (!load_good(text, environment, &loaded))
		return;
	CU_ASSERT_EQUAL(settings_print(&loaded, &printed), 0);
	if (load_good(buf_string(&printed), NULL, &again)) {
		CU_ASSERT_EQUAL(
			memcmp(&loaded.settings, &again.settings, sizeof again.settings), 0);
		for (size_t i = 0; i < directives_count; i++) {
			if (directives[i].set != NULL && directives[i].set != value_set_listen)
				CU_ASSERT_EQUAL(strncmp(again.origins[i].items[0], "conf:", 5), 0);
		}
		settings_loaded_fini(&again);
	}
	settings_loaded_fini(&loaded);
	buf_fini(&printed);
}

static void
defaults(void)
{
	expect_same_again("", NULL);
}

static void
every_directive(void)
{
	expect_same_again(
		"Listen 1\nListen [::1]:2\nListen localhost:0\nListen localhost:0\n"
		"TLSCertificateFile c\nTLSCertificateKeyFile k\nTLSClientCAFile a\n"
		"TLSVerifyClient require\nTLSProtocols TLSv1.3\nTLSCiphers AES128-SHA\n"
		"Require ip 10.0.0.0/8 ::1\nRequire not ip 10.9.0.0/16\nRequire all denied\n"
		"ProxyTrusted 192.0.2.1\nProxyTrusted ::/0\nRateLimitExempt 0.0.0.0/0 ::2\n"
		"BufferSize 1\nMinLogLevel fatal\nUnknownLevel accept\n"
		"LevelField severity log.level\nMessageField msg\nLevelNumbers "
		"pino\nLogPersistence off\n"
		"LogDir /a\nLogFilename b\nLogFormat json\nLogSync 7\nLogRotateSize 8\n"
		"LogRotateKeep 9\nRateLimit off\nRateLimitMaxRequests 2\n"
		"RateLimitWindowSeconds 3\nRateLimitTableSize 4\nRateLimitIPv6Prefix 5\n"
		"Workers 6\nThreadsPerWorker 7\nListenBacklog 8\nMaxLineLength 16\n"
		"MaxConnectionsPerClient 10\nIdleTimeout 11\nReadTimeout 14\nHandshakeTimeout "
		"15\nSendTimeout 12\n"
		"GracefulDrainTimeout 15\nMaxConnectionsPerWorker 16\n"
		"GracefulShutdownTimeout 13\nPidFile p\nScoreBoardFile s\nStatusListen [::1]:7\n"
		"StatusRequire ip 127.0.0.1 10.0.0.0/8 ::1\nErrorLog e\n"
		"LogLevel error\nUser root\nGroup root\n",
		NULL);
	expect_same_again("StatusListen 'unix:/a b'\nStatusRequire ALL\n", NULL);
	expect_same_again("LogSync always\nErrorLog SYSLOG\nPidFile ''\n", NULL);
}

static void
odd_texts(void)
{
	static const char *const texts[] = {" ", "a b", "#", "#a", "a #b", "\"", "'", "a\"b'c",
		"\\", "\\\\", "a\\", "\\\"", "\\'", "${HOME}", "\\${HOME}", "$", "$$", "$${", "${",
		"\\$", "\\${", "$\\{", "it's", "\"quoted\"", "trailing ", " leading", "\xc3\xa4",
		"\xff\xfe"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char dir[64], name[64], *environment[] = {dir, name, NULL};
		snprintf(dir, sizeof dir, "LOG_DIR=%s", texts[i]);
		snprintf(name, sizeof name, "LOG_FILENAME=%s", texts[i]);
		expect_same_again("", environment);
	}
}

static void
form(void)
{
	static const char start[] = "Listen                  127.0.0.1:1             # conf:1\n"
				    "Listen                  [::1]:2                 # conf:2\n"
				    "Require                 all granted             # default\n"
				    "ProxyTrusted            none                    # default\n"
				    "BufferSize              4096                    # default\n";
	struct settings_loaded loaded;
	struct buf printed = {0};
	CU_ASSERT_TRUE_FATAL(load_good("Listen 127.0.0.1:1\nListen [::1]:2\n", NULL, &loaded));
	CU_ASSERT_EQUAL(settings_print(&loaded, &printed), 0);
	CU_ASSERT_EQUAL(strncmp(buf_string(&printed), start, strlen(start)), 0);
	size_t lines = 0;
	for (size_t i = 0; i < printed.len; i++)
		lines += printed.data[i] == '\n';
	CU_ASSERT_EQUAL(lines, directives_count - 2 + 1);
	settings_loaded_fini(&loaded);
	buf_fini(&printed);
}

/* A file's name is part of the origin and must not break out of its comment. */
static void
odd_file_name(void)
{
	struct settings_sources sources = {.file = "a\nWorkers 7\\"};
	struct settings_loaded loaded, again;
	struct buf printed = {0}, errors = {0};
	CU_ASSERT_EQUAL_FATAL(
		settings_load_text(&sources, slice_of("Workers 3\nLogDir x"), &loaded, &errors), 0);
	CU_ASSERT_EQUAL(settings_print(&loaded, &printed), 0);
	if (load_good(buf_string(&printed), NULL, &again)) {
		CU_ASSERT_EQUAL(
			memcmp(&loaded.settings, &again.settings, sizeof again.settings), 0);
		settings_loaded_fini(&again);
	}
	settings_loaded_fini(&loaded);
	buf_fini(&printed);
}

static void
longest_path(void)
{
	static char text[SETTINGS_PATH_MAX * 2] = "LogDir '";
	size_t len = strlen(text);
	memset(text + len, '"', SETTINGS_PATH_MAX - 1);
	memcpy(text + len + SETTINGS_PATH_MAX - 1, "'", 2);
	expect_same_again(text, NULL);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the defaults", defaults},
		{"every directive", every_directive},
		{"quotes, spaces, #, backslashes, ${", odd_texts},
		{"one directive a line with its origin", form},
		{"a file name with a newline", odd_file_name},
		{"the longest path, all quotes", longest_path},
		{NULL, NULL},
	};
	return tap_main("print", cases);
}
