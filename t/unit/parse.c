/* SPDX-License-Identifier: ISC */
/* Mistakes and their places; files that include files.  Each case has a folder of its own. */
#include "settings/parse.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/tap_settings.h"

static char folder[64];

static void
make_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/parse-XXXXXX",
		tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

static void
remove_folder(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *
path_of(const char *name, char path[static 256])
{
	snprintf(path, 256, "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file = fopen(path_of(name, path), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

static void
make_subfolder(const char *name)
{
	char path[256];
	CU_ASSERT_EQUAL(mkdir(path_of(name, path), 0700), 0);
}

/* Loads the file of that name.  Mistakes are given without the folder's path. */
static char *
load_file(const char *name, struct settings_loaded *out)
{
	char path[256];
	struct settings_sources sources = {.file = path_of(name, path)};
	struct buf errors = {0};
	settings_load(&sources, out, &errors);
	char *text = (char *)buf_string(&errors), *at;
	size_t len = strlen(folder) + 1;
	while ((at = strstr(text, folder)) != NULL)
		memmove(at, at + len, strlen(at + len) + 1);
	return text;
}

static void
expect_file(const char *name, const char *expected)
{
	struct settings_loaded loaded;
	char *mistakes = load_file(name, &loaded);
	CU_ASSERT_STRING_EQUAL(mistakes, expected);
	if (strcmp(mistakes, expected) != 0)
		printf("# got: %s\n# not: %s\n", mistakes, expected);
	if (mistakes[0] == '\0')
		settings_loaded_fini(&loaded);
	free(mistakes);
}

/* The mistakes of a file of one of every kind, all at once. */
static void
golden(void)
{
	struct settings_sources sources = {.file = "t/golden/settings/mistakes.conf"};
	struct settings_loaded loaded;
	struct buf errors = {0};
	static char expected[16384];
	FILE *file = fopen("t/golden/settings/mistakes.txt", "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
	fclose(file);
	CU_ASSERT_TRUE(settings_load(&sources, &loaded, &errors) > 20);
	CU_ASSERT_STRING_EQUAL(buf_string(&errors), expected);
	if (strcmp(errors.data, expected) != 0)
		fputs(errors.data, stderr);
	buf_fini(&errors);
}

static void
places(void)
{
	expect_mistakes("A 1\n\n\\\n\\\nB 2\nworkers \\\n # none\nC 3", NULL,
		"conf:1: A: unknown directive, and there is none named like it\n"
		"conf:3: B: unknown directive, and there is none named like it\n"
		"conf:6: Workers: takes one argument, n, not 0\n"
		"conf:8: C: unknown directive, and there is none named like it\n");
}

static void
one_mistake_is_one_line(void)
{
	expect_mistakes("Listen '\x1b[1m'\nWorkers 'a\\\nb\tc'\n\"Li\tsten\" 1\n", NULL,
		"conf:1: Listen: '?[1m': the port is missing, write it as in 127.0.0.1:9000 or "
		"[::1]:9000\n"
		"conf:2: Workers: must be a whole number from 1 to 1024, not 'ab?c'\n"
		"conf:4: Li?sten: unknown directive, did you mean Listen?\n");
}

static void
broken_lines(void)
{
	expect_mistakes("Workers \"1\nPidFil 'x\n", NULL,
		"conf:1: Workers: a word lacks its closing \"\n"
		"conf:2: a word lacks its closing '\n");
}

static void
no_such_file(void)
{
	expect_file("none.conf", "none.conf: cannot open: No such file or directory\n");
	make_subfolder("sub");
	expect_file("sub", "sub: cannot open: Is a directory\n");
}

static void
include_in_order(void)
{
	const size_t listen = (size_t)(directive_find("Listen") - directives);
	struct settings_loaded loaded;
	make_subfolder("sub");
	make_subfolder("sub/deep");
	write_file("main.conf", "Workers 1\nInclude sub/*.conf\nIdleTimeout 5\n");
	write_file("sub/1.conf", "Workers 2\nIdleTimeout 1\nInclude deep/x\n");
	write_file("sub/2.conf", "Listen 2\n");
	write_file("sub/3.other", "Nonsense\n");
	write_file("sub/deep/x", "\nListen 1\n");
	char *mistakes = load_file("main.conf", &loaded);
	CU_ASSERT_STRING_EQUAL(mistakes, "");
	CU_ASSERT_EQUAL(loaded.settings.workers, 2);
	CU_ASSERT_EQUAL(loaded.settings.idle_timeout_s, 5);
	CU_ASSERT_EQUAL(loaded.settings.listen_count, 2);
	CU_ASSERT_EQUAL(loaded.settings.listen[0].endpoint.port, 1);
	const char *origin = loaded.origins[directive_find("Workers") - directives].items[0];
	CU_ASSERT_STRING_EQUAL(origin + strlen(folder), "/sub/1.conf:1");
	CU_ASSERT_STRING_EQUAL(loaded.origins[listen].items[0] + strlen(folder), "/sub/deep/x:2");
	CU_ASSERT_STRING_EQUAL(loaded.origins[listen].items[1] + strlen(folder), "/sub/2.conf:1");
	free(mistakes);
	settings_loaded_fini(&loaded);
}

static void
include_missing(void)
{
	char path[256];
	write_file("main.conf", "Include none\nInclude n*ne\nIncludeOptional no/n*ne\n"
				"IncludeOptional n*ne\ninclude\nInclude .\n");
	expect_file("main.conf",
		"main.conf:1: Include: no file matches 'none', IncludeOptional would allow that\n"
		"main.conf:2: Include: no file matches 'n*ne', IncludeOptional would allow that\n"
		"main.conf:5: Include: takes one argument, glob, not 0\n"
		"main.conf:6: Include: cannot open .: Is a directory\n");
	write_file("main.conf", "IncludeOptional link\n");
	CU_ASSERT_EQUAL(symlink("main.conf", path_of("link", path)), 0);
	expect_file("main.conf", "main.conf:1: IncludeOptional: a cycle, take it out: link is "
				 "included by main.conf\n");
}

static void
mistakes_of_included(void)
{
	write_file("main.conf", "Include a\nWorker 1\n");
	write_file("a", "\nWorkers x\n");
	expect_file("main.conf", "a:2: Workers: must be a whole number from 1 to 1024, not 'x'\n"
				 "main.conf:2: Worker: unknown directive, did you mean Workers?\n");
}

static void
cycles(void)
{
	write_file("a", "Include a\n");
	expect_file("a", "a:1: Include: a cycle, take it out: a is included by a\n");
	write_file("a", "Include b\n");
	write_file("b", "Include c\n");
	write_file("c", "\nInclude b\n");
	expect_file("a", "c:2: Include: a cycle, take it out: b is included by c, which is "
			 "included by b\n");
}

static void
depth(void)
{
	char name[16], text[32];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "%d", i);
		snprintf(text, sizeof text, i < 19 ? "Include %d\n" : "#\n", i + 1);
		write_file(name, text);
	}
	expect_file(
		"0", "16:1: Include: files include files more than 16 deep, make that flatter\n");
	expect_file("3", "");
}

/* Twice as many at each level: the whole must end soon. */
static void
breadth(void)
{
	char name[16], text[64];
	for (int i = 0; i < 16; i++) {
		snprintf(name, sizeof name, "%d", i);
		snprintf(text, sizeof text, "Include %d\nInclude %d\n", i + 1, i + 1);
		write_file(name, text);
	}
	write_file("16", "");
	struct settings_loaded loaded;
	char *mistakes = load_file("0", &loaded);
	CU_ASSERT_PTR_NOT_NULL(strstr(mistakes, "more than 1024 files are included"));
	free(mistakes);
}

/* The folder's own name is no pattern. */
static void
odd_folder(void)
{
	make_subfolder("[a]*\\");
	make_subfolder("a");
	write_file("[a]*\\/main.conf", "Include *.inc\n");
	write_file("[a]*\\/x.inc", "Workers 3\n");
	write_file("a/x.inc", "Nonsense\n");
	struct settings_loaded loaded;
	char *mistakes = load_file("[a]*\\/main.conf", &loaded);
	CU_ASSERT_STRING_EQUAL(mistakes, "");
	if (mistakes[0] == '\0') {
		CU_ASSERT_EQUAL(loaded.settings.workers, 3);
		settings_loaded_fini(&loaded);
	}
	free(mistakes);
}

static void
huge_file(void)
{
	char path[256];
	write_file("huge", "");
	CU_ASSERT_EQUAL(truncate(path_of("huge", path), 17 * 1024 * 1024), 0);
	expect_file("huge", "huge: cannot open: File too large\n");
}

static void
include_of_text(void)
{
	expect_mistakes(
		"Include *\n", NULL, "conf:1: Include: cannot be used here, put it into a file\n");
}

#define IN_FOLDER(name)                                                                            \
	static void in_folder_##name(void)                                                         \
	{                                                                                          \
		make_folder();                                                                     \
		name();                                                                            \
		remove_folder();                                                                   \
	}
IN_FOLDER(no_such_file)
IN_FOLDER(include_in_order)
IN_FOLDER(include_missing)
IN_FOLDER(mistakes_of_included)
IN_FOLDER(cycles)
IN_FOLDER(depth)
IN_FOLDER(breadth)
IN_FOLDER(odd_folder)
IN_FOLDER(huge_file)

static void
several_words(void)
{
	char text[256] = "StatusRequire ip";
	struct settings_loaded loaded;
	if (load_good("StatusRequire ip 10.0.0.0/8 \\\n  ::1\nStatusRequire 'ip ::2'\n", NULL,
		    &loaded)) {
		CU_ASSERT_EQUAL(loaded.settings.status_require_count, 1);
		settings_loaded_fini(&loaded);
	}
	expect_mistakes("StatusRequire\n", NULL,
		"conf:1: StatusRequire: takes one argument, all|ip block ..., not 0\n");
	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), " ::1");
	expect_mistakes(text, NULL, "conf:1: StatusRequire: 39 words are the most\n");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"one mistake of every kind, all told", golden},
		{"places behind continuations", places},
		{"one mistake is one line", one_mistake_is_one_line},
		{"broken lines", broken_lines},
		{"files that cannot be read", in_folder_no_such_file},
		{"includes, in order, relative to their file", in_folder_include_in_order},
		{"includes of nothing", in_folder_include_missing},
		{"mistakes of included files", in_folder_mistakes_of_included},
		{"cycles are named", in_folder_cycles},
		{"depth is bounded", in_folder_depth},
		{"breadth is bounded", in_folder_breadth},
		{"a folder that looks like a pattern", in_folder_odd_folder},
		{"a huge file", in_folder_huge_file},
		{"no Include in a text from memory", include_of_text},
		{"directives of several words", several_words},
		{NULL, NULL},
	};
	return tap_main("parse", cases);
}
