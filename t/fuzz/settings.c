/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a configuration file: they are good or have mistakes, and what is good prints in a
 * form that parses again to the same settings.
 */
#include <stdint.h>

#include "settings/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static size_t
load(struct slice text, struct settings_loaded *loaded)
{
	char *environment[] = {
		(char[]){"A=value"}, (char[]){"B=two \"words\" # \\ ${A}"}, (char[]){"E="}, NULL};
	struct settings_sources sources = {.file = "conf", .environment = environment};
	struct buf errors = {0};
	size_t count = settings_load_text(&sources, text, loaded, &errors);
	size_t lines = 0;
	for (size_t i = 0; i < errors.len; i++)
		lines += errors.data[i] == '\n';
	must(lines == count);
	buf_fini(&errors);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings_loaded loaded, again;
	struct buf printed = {0};
	/* The environment has no variable of the table: it would be stronger than the file. */
	if (load((struct slice){(const char *)data, size}, &loaded) > 0)
		return 0;
	must(settings_print(&loaded, &printed) == 0);
	must(load(buf_slice(&printed), &again) == 0);
	must(memcmp(&loaded.settings, &again.settings, sizeof again.settings) == 0);
	settings_loaded_fini(&loaded);
	settings_loaded_fini(&again);
	buf_fini(&printed);
	return 0;
}
