/* SPDX-License-Identifier: ISC */
/* What Forward lines say. */
#include "core/engine.h"

#include "unit/tap.h"

static void
expect_same(const char *text, const char *printed)
{
	struct engine engine;
	struct buf scratch = {0}, out = {0};
	CU_ASSERT_PTR_NULL(engine_parse(slice_of(text), &engine, &scratch));
	CU_ASSERT_EQUAL(engine_print(&engine, &out), 0);
	CU_ASSERT_STRING_EQUAL(buf_string(&out), printed);
	buf_fini(&scratch);
	buf_fini(&out);
}

static void
good(void)
{
	expect_same("off", "off");
	expect_same("OFF ", "off");
	expect_same("kafka://a topic=logs", "kafka://a:9092 topic=logs");
	expect_same("kafka://a:1,[::1]:2,[fe80::1]  key=k node=n1 topic=t",
		"kafka://a:1,[::1]:2,[fe80::1]:9092 topic=t key=k node=n1");
	expect_same("amqp://rabbit exchange=e queue-type=stream",
		"amqp://rabbit:5672 exchange=e queue-type=stream");
}

static void
defaults(void)
{
	struct engine engine;
	struct buf scratch = {0};
	CU_ASSERT_PTR_NULL(engine_parse(slice_of("kafka://a topic=logs"), &engine, &scratch));
	CU_ASSERT_STRING_EQUAL(engine_value(&engine, 0), "logs");
	CU_ASSERT_STRING_EQUAL(engine_value(&engine, 1), "%{node}");
	CU_ASSERT_PTR_NULL(engine_option(&engine, ENGINE_OPTIONS_MAX));
	CU_ASSERT_STRING_EQUAL(engine_package("kafka"), "logcollectd-kafka");
	CU_ASSERT_PTR_NULL(engine_package("smoke"));
	buf_fini(&scratch);
}

static void
bad(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "must not be empty"},
		{"on", "must be off, or an engine"},
		{"off topic=x", "nothing may stand behind off"},
		{"kafka:/a topic=x", "must be off, or an engine"},
		{"verylongscheme://a", "must be off, or an engine"},
		{"http://a", "there is no driver for http"},
		{"kafka:// topic=x", "a host must be"},
		{"kafka://a:0 topic=x", "a host must be"},
		{"kafka://a, topic=x", "a host must be"},
		{"kafka://a topic=x topic", "'topic' needs a value"},
		{"kafka://* topic=x", "a host must be"},
		{"kafka://a:99999 topic=x", "'a:99999'"},
		{"kafka://a", "kafka needs topic="},
		{"kafka://a topic=", "needs a value"},
		{"kafka://a exchange=x",
			"an option of kafka must be topic=, key=, mechanism=, or node="},
		{"kafka://a topic=x mechanism=MD5", "mechanism must be one of"},
		{"amqp://a queue-type=classic", "queue-type must be one of quorum|stream"},
		{"kafka://a topic=x node=a/b", "node= must be letters"},
		{"kafka://a topic=a/b",
			"topic= must be at most 249 letters, digits, '.', '_' and '-', not 'a/b'"},
		{"kafka://a topic=..", "topic= must be at most"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct engine engine = {.host_count = 77};
		struct buf scratch = {0};
		const char *wrong = engine_parse(slice_of(cases[i].text), &engine, &scratch);
		CU_ASSERT_PTR_NOT_NULL(wrong);
		bool says = wrong != NULL && strstr(wrong, cases[i].says) != NULL;
		CU_ASSERT_TRUE(says);
		if (!says)
			printf("# %s: %s\n", cases[i].text, wrong);
		CU_ASSERT_EQUAL(engine.host_count, 77);
		buf_fini(&scratch);
	}
}

static void
too_many(void)
{
	struct buf text = {0}, scratch = {0};
	struct engine engine;
	buf_printf(&text, "kafka://a");
	for (int i = 0; i < ENGINE_HOSTS_MAX; i++)
		buf_printf(&text, ",a%d", i);
	buf_printf(&text, " topic=x");
	CU_ASSERT_PTR_NOT_NULL(engine_parse(buf_slice(&text), &engine, &scratch));
	buf_clear(&text);
	buf_printf(&text, "kafka://a topic=%0300d", 0);
	CU_ASSERT_PTR_NOT_NULL(engine_parse(buf_slice(&text), &engine, &scratch));
	buf_fini(&text);
	buf_fini(&scratch);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"what is read prints the same", good},
		{"options that were not said", defaults},
		{"mistakes say what would be right, and change nothing", bad},
		{"no more than there is room for", too_many},
		{NULL, NULL},
	};
	return tap_main("engine", cases);
}
