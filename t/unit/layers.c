/* SPDX-License-Identifier: ISC */
/* Values over weaker values; Listen lines of a layer replace those below. */
#include "settings/layers.h"

#include "unit/tap.h"

static struct settings_loaded loaded;
static struct mistakes mistakes;
static struct layers layers;

static const char *
set(enum layer layer, const char *name, const char *text, const char *origin)
{
	layers.current = layer;
	return layers_set(&layers, directive_find(name), text, origin);
}

static void
begin(void)
{
	CU_ASSERT_EQUAL_FATAL(layers_init(&layers, &loaded, &mistakes), 0);
}

static void
end(void)
{
	layers_fini(&layers);
	settings_loaded_fini(&loaded);
}

static void
origins(void)
{
	begin();
	size_t workers = (size_t)(directive_find("Workers") - directives);
	CU_ASSERT_STRING_EQUAL(loaded.origins[workers].items[0], "default");
	CU_ASSERT_PTR_NULL(set(LAYER_FILE, "Workers", "3", "here"));
	CU_ASSERT_STRING_EQUAL(loaded.origins[workers].items[0], "here");
	CU_ASSERT_PTR_NOT_NULL(set(LAYER_FILE, "Workers", "x", "there"));
	CU_ASSERT_STRING_EQUAL(loaded.origins[workers].items[0], "here");
	CU_ASSERT_EQUAL(loaded.settings.workers, 3);
	end();
}

static void
listen_replaces(void)
{
	static const struct {
		enum layer layer;
		const char *text;
		int64_t count;
	} steps[] = {
		{LAYER_FILE, "9000", 1}, /* the default's own address is no clash */
		{LAYER_FILE, "2", 2},
		{LAYER_ENVIRONMENT, "9000", 1},
		{LAYER_COMMAND_LINE, "4", 1},
		{LAYER_COMMAND_LINE, "5", 2},
		{LAYER_COMMAND_LINE, "6", 3},
	};
	begin();
	size_t listen = (size_t)(directive_find("Listen") - directives);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		CU_ASSERT_PTR_NULL(set(steps[i].layer, "Listen", steps[i].text, steps[i].text));
		CU_ASSERT_EQUAL(loaded.settings.listen_count, steps[i].count);
		size_t last = (size_t)loaded.settings.listen_count - 1;
		CU_ASSERT_STRING_EQUAL(loaded.origins[listen].items[last], steps[i].text);
	}
	CU_ASSERT_PTR_NOT_NULL(set(LAYER_COMMAND_LINE, "Listen", "5", "again"));
	CU_ASSERT_EQUAL(loaded.settings.listen_count, 3);
	end();
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"origins are those of the value in force", origins},
		{"a stronger layer's Listen replaces the weaker ones", listen_replaces},
		{NULL, NULL},
	};
	return tap_main("layers", cases);
}
