/* SPDX-License-Identifier: ISC */
/* Each variable, good and bad. */
#include "settings/environment.h"

#include "settings/value.h"
#include "unit/tap_settings.h"

/* Loads with one variable over an empty file. */
static char *
mistakes_of(const char *variable, const char *value, struct settings_loaded *out)
{
	char text[512];
	snprintf(text, sizeof text, "%s=%s", variable, value);
	char *environment[] = {(char[]){"OTHER=x"}, text, NULL};
	return load_mistakes("", environment, out);
}

/* The value that the directive prints, with "!" in front of a mistake. */
static void
expect(const char *variable, const char *value, const char *directive, const char *expected)
{
	struct settings_loaded loaded;
	char *mistakes = mistakes_of(variable, value, &loaded);
	if (mistakes[0] != '\0') {
		char place[128];
		snprintf(place, sizeof place, "environment: %s: ", variable);
		CU_ASSERT_STRING_EQUAL("!", expected);
		CU_ASSERT_EQUAL(strncmp(mistakes, place, strlen(place)), 0);
		free(mistakes);
		return;
	}
	struct buf out = {0};
	const struct directive *row = directive_find(directive);
	CU_ASSERT_EQUAL(row->print(row, &loaded.settings, 0, &out), 1);
	CU_ASSERT_STRING_EQUAL(buf_string(&out), expected);
	if (strcmp(out.data, expected) != 0)
		printf("# %s='%s' is %s, not %s\n", variable, value, out.data, expected);
	const char *origin = loaded.origins[row - directives].items[0];
	CU_ASSERT_EQUAL(strncmp(origin, "environment ", 12), 0);
	CU_ASSERT_STRING_EQUAL(origin + 12, variable);
	buf_fini(&out);
	free(mistakes);
	settings_loaded_fini(&loaded);
}

static void
booleans(void)
{
	static const char *const on[] = {
		"true", "TRUE", "True", "1", "yes", "YES", " yes ", "\ttrue"};
	static const char *const off[] = {
		"false", "FALSE", "0", "no", "No", "off", "OFF", "", "  ", " 0"};
	static const char *const bad[] = {
		"on", "ON", "2", "y", "n", "t", "enabled", "yes no", "01", "yess"};
	static const char *const pairs[][2] = {
		{"ENABLE_LOG_PERSISTENCE", "LogPersistence"}, {"RATE_LIMIT_ENABLED", "RateLimit"}};
	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof on / sizeof on[0]; j++)
			expect(pairs[i][0], on[j], pairs[i][1], "on");
		for (size_t j = 0; j < sizeof off / sizeof off[0]; j++)
			expect(pairs[i][0], off[j], pairs[i][1], "off");
		for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
			expect(pairs[i][0], bad[j], pairs[i][1], "!");
	}
}

static void
numbers(void)
{
	static const char *const pairs[][2] = {{"BUFFER_SIZE", "BufferSize"},
		{"RATE_LIMIT_MAX_REQUESTS", "RateLimitMaxRequests"},
		{"RATE_LIMIT_WINDOW_SECONDS", "RateLimitWindowSeconds"}};
	static const char *const bad[] = {"", " ", "0", "-1", "x", "5s", "5.0", "99999999999"};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		expect(pairs[i][0], "1", pairs[i][1], "1");
		expect(pairs[i][0], " 77 ", pairs[i][1], "77");
		for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++)
			expect(pairs[i][0], bad[j], pairs[i][1], "!");
	}
}

static void
texts(void)
{
	expect("MIN_LOG_LEVEL", "debug", "MinLogLevel", "DEBUG");
	expect("MIN_LOG_LEVEL", " Fatal ", "MinLogLevel", "CRITICAL");
	expect("MIN_LOG_LEVEL", "notice", "MinLogLevel", "INFO");
	expect("MIN_LOG_LEVEL", "", "MinLogLevel", "!");
	expect("MIN_LOG_LEVEL", "loud", "MinLogLevel", "!");
	expect("LOG_DIR", "/var/log", "LogDir", "/var/log");
	expect("LOG_DIR", "${HOME}", "LogDir", "\"\\${HOME}\"");
	expect("LOG_DIR", "", "LogDir", "!");
	expect("LOG_DIR", "a\nb", "LogDir", "!");
	expect("LOG_FILENAME", "a b", "LogFilename", "\"a b\"");
	expect("LOG_FILENAME", "a/b", "LogFilename", "!");
	expect("LOG_FILENAME", "", "LogFilename", "!");
}

static void
halves_of_listen(void)
{
	expect("SERVER_HOST", "127.0.0.1", "Listen", "127.0.0.1:9000");
	expect("SERVER_HOST", "::1", "Listen", "[::1]:9000");
	expect("SERVER_HOST", "[::1]", "Listen", "[::1]:9000");
	expect("SERVER_HOST", "localhost", "Listen", "localhost:9000");
	expect("SERVER_HOST", "", "Listen", "!");
	expect("SERVER_HOST", "a b", "Listen", "!");
	expect("SERVER_PORT", "0", "Listen", "0.0.0.0:0");
	expect("SERVER_PORT", "65535", "Listen", "0.0.0.0:65535");
	expect("SERVER_PORT", "65536", "Listen", "!");
	expect("SERVER_PORT", "", "Listen", "!");
	expect("SERVER_PORT", "127.0.0.1:1", "Listen", "!");
}

/* All Listen lines, each with a space behind it. */
static void
expect_listen(const char *text, char *const *environment, const char *expected)
{
	struct settings_loaded loaded;
	char got[512] = "", one[ENDPOINT_TEXT_MAX];
	if (!load_good(text, environment, &loaded))
		return;
	for (int64_t i = 0; i < loaded.settings.listen_count; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s ",
			endpoint_format(&loaded.settings.listen[i].endpoint, one));
	CU_ASSERT_STRING_EQUAL(got, expected);
	settings_loaded_fini(&loaded);
}

static void
listen_over_the_file(void)
{
	static const char file[] = "Listen [::1]:1\nListen 127.0.0.1:2\n";
	char *none[] = {NULL};
	char *host[] = {(char[]){"SERVER_HOST=192.0.2.1"}, NULL};
	char *port[] = {(char[]){"SERVER_PORT=7"}, NULL};
	char *both[] = {(char[]){"SERVER_HOST=::2"}, (char[]){"SERVER_PORT=7"}, NULL};
	expect_listen("", none, "0.0.0.0:9000 ");
	expect_listen(file, none, "[::1]:1 127.0.0.1:2 ");
	expect_listen(file, host, "192.0.2.1:1 ");
	expect_listen(file, port, "[::1]:7 ");
	expect_listen(file, both, "[::2]:7 ");
}

static void
every_mistake(void)
{
	char *environment[] = {(char[]){"SERVER_HOST=:"}, (char[]){"SERVER_PORT=x"},
		(char[]){"BUFFER_SIZE="}, (char[]){"RATE_LIMIT_ENABLED=on"}, NULL};
	expect_mistakes("", environment,
		"environment: SERVER_HOST: ':': no IPv6 address, write it as in [::1]:9000\n"
		"environment: SERVER_PORT: 'x': the port must be a number from 0 to 65535, as in "
		"127.0.0.1:9000\n"
		"environment: BUFFER_SIZE: must be a whole number from 1 to 1073741824, not ''\n"
		"environment: RATE_LIMIT_ENABLED: must be true, 1 or yes, or false, 0, no, off or "
		"empty, "
		"not 'on'\n");
}

static void
names(void)
{
	char *environment[] = {
		(char[]){"AB=1"}, (char[]){"A=2"}, (char[]){"A=3"}, (char[]){"C"}, NULL};
	CU_ASSERT_STRING_EQUAL(environment_get(environment, slice_of("A")), "2");
	CU_ASSERT_STRING_EQUAL(environment_get(environment, slice_of("AB")), "1");
	CU_ASSERT_PTR_NULL(environment_get(environment, slice_of("C")));
	CU_ASSERT_PTR_NULL(environment_get(environment, slice_of("ABC")));
	CU_ASSERT_PTR_NULL(environment_get(NULL, slice_of("A")));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"booleans", booleans},
		{"numbers", numbers},
		{"levels, paths and names", texts},
		{"SERVER_HOST and SERVER_PORT alone", halves_of_listen},
		{"they replace the file's Listen lines by one", listen_over_the_file},
		{"every mistake is told, with its variable", every_mistake},
		{"names are matched whole", names},
		{NULL, NULL},
	};
	return tap_main("environment", cases);
}
