/* SPDX-License-Identifier: ISC */
/*
 * logcollect-cat: prints the records that an engine holds, in order, repeats dropped by the id of their batch.  What it is told is what a
 * Forward line says; it reads with the same drivers as the forwarder publishes.
 */
#include <bsd/string.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/standard.h"
#include "core/level.h"
#include "forward/destination.h"
#include "forward/module.h"
#include "forward/seen.h"

enum { WAIT_MS = 500, SILENCE_MS = 20000, HOUR_S = 3600, DAY_S = 86400 };

struct options {
	struct engine engine;
	struct forward_tls tls;
	struct forward_auth auth;
	const char *node;
	enum level level; /* LEVEL_UNKNOWN: all */
	int64_t since_ms; /* 0: all */
	bool ids;         /* prints the ids of the batches instead */
	bool terminal;    /* is what it prints to */
};

enum { ID_BYTES = 512 }; /* with its '\0': drivers give no longer ones */

static const char usage_text[] =
	"usage: logcollect-cat [option]... kafka://host[:port],... topic=name\n"
	"       logcollect-cat [option]... amqp://host[:port],... [name=value]...\n"
	"\n"
	"  --since time       what the engine took since: 2026-01-31T12:00:00Z, or 90s, 10m, 2h, "
	"7d ago\n"
	"  --level level      records of this level and more severe ones\n"
	"  --node name        those that this collector has sent\n"
	"  --ids              the ids of the batches and their bytes, repeats too, not the "
	"records\n"
	"  --tls              over TLS; --ca file, --cert file and --key file say so too\n"
	"  --user name --passfile file\n"
	"  -h, -V             show this help, the version\n";

/* Seconds, minutes, hours or days ago.  -1: it is none. */
static int64_t
parse_ago(const char *text)
{
	static const char units[] = "smhd";
	static const int64_t seconds[] = {1, 60, HOUR_S, DAY_S};
	char *end;
	long number = strtol(text, &end, 10);
	const char *unit = *end == '\0' ? NULL : strchr(units, *end);
	if (end == text || number < 0 || number > INT32_MAX || unit == NULL || end[1] != '\0')
		return -1;
	return clock_read().wall_us / 1000 - number * seconds[unit - units] * 1000;
}

static int64_t
parse_since(const char *text)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"};
	int64_t since_ms = parse_ago(text);
	for (size_t i = 0; since_ms < 0 && i < sizeof forms / sizeof forms[0]; i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		const int day = tm.tm_mday;
		const int64_t time_s = timegm(&tm);
		/* One that its month does not have has become another. */
		if (end != NULL && *end == '\0' && tm.tm_mday == day)
			since_ms = time_s * 1000;
	}
	if (since_ms < 0)
		errx(EX_USAGE,
			"--since %s: must be a time as 2026-01-31T12:00:00Z, or 90s, 10m, 2h, 7d",
			text);
	return since_ms > 0 ? since_ms : 1;
}

static void
set_text(char *text, size_t size, const char *argument)
{
	if (strlcpy(text, argument, size) >= size)
		errx(EX_USAGE, "%.64s…: too long", argument);
}

static void
set_file(struct forward_tls *tls, char *path, const char *file)
{
	tls->on = true;
	set_text(path, SETTINGS_PATH_MAX, file);
}

static void
set_option(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->since_ms = parse_since(optarg);
		break;
	case 'l':
		options->level = level_parse(slice_of(optarg));
		if (options->level == LEVEL_UNKNOWN)
			errx(EX_USAGE,
				"--level %s: must be DEBUG, INFO, WARNING, ERROR or CRITICAL",
				optarg);
		break;
	case 'n':
		if (!engine_is_node(optarg))
			errx(EX_USAGE, "--node %s: must be letters, digits, '.', '_' and '-'",
				optarg);
		options->node = optarg;
		break;
	case 'i':
		options->ids = true;
		break;
	case 't':
		options->tls.on = true;
		break;
	case 'a':
		set_file(&options->tls, options->tls.ca, optarg);
		break;
	case 'c':
		set_file(&options->tls, options->tls.cert, optarg);
		break;
	case 'k':
		set_file(&options->tls, options->tls.key, optarg);
		break;
	case 'u':
		set_text(options->auth.user, sizeof options->auth.user, optarg);
		break;
	case 'p':
		set_text(options->auth.passfile, sizeof options->auth.passfile, optarg);
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(EX_OK);
	case 'V':
		puts("logcollect-cat " LOGCOLLECTD_VERSION);
		exit(EX_OK);
	default:
		fputs(usage_text, stderr);
		exit(EX_USAGE);
	}
}

/* What is left of the command line is what a Forward line says. */
static void
parse_engine(struct options *options, int argc, char **argv)
{
	struct buf text = {0}, scratch = {0};
	int failed = 0;
	for (int i = 0; i < argc; i++)
		failed |= buf_printf(&text, "%s ", argv[i]);
	const char *wrong = failed ? "no memory"
	                           : engine_parse(buf_slice(&text), &options->engine, &scratch);
	if (wrong != NULL)
		errx(EX_USAGE, "%s", wrong);
	if (options->engine.scheme[0] == '\0')
		errx(EX_USAGE, "must name an engine, as in kafka://broker1:9092 topic=logs");
	buf_fini(&text);
	buf_fini(&scratch);
}

static void
parse_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {{"since", required_argument, NULL, 's'},
		{"level", required_argument, NULL, 'l'}, {"node", required_argument, NULL, 'n'},
		{"ids", no_argument, NULL, 'i'}, {"tls", no_argument, NULL, 't'},
		{"ca", required_argument, NULL, 'a'}, {"cert", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'}, {"user", required_argument, NULL, 'u'},
		{"passfile", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
	int option;
	while ((option = getopt_long(argc, argv, "hV", names, NULL)) != -1)
		set_option(options, option);
	if (optind == argc)
		set_option(options, '?');
	if ((options->tls.cert[0] == '\0') != (options->tls.key[0] == '\0'))
		errx(EX_USAGE, "--cert and --key go together");
	if ((options->auth.user[0] == '\0') != (options->auth.passfile[0] == '\0'))
		errx(EX_USAGE, "--user and --passfile go together");
	parse_engine(options, argc - optind, argv + optind);
}

/* Of `2026-…Z [ERROR] text`. */
static enum level
text_level(struct slice line)
{
	const char *open = memchr(line.data, ' ', line.len);
	if (open == NULL || open + 1 >= line.data + line.len || open[1] != '[')
		return LEVEL_UNKNOWN;
	const char *close = memchr(open, ']', line.len - (size_t)(open - line.data));
	if (close == NULL)
		return LEVEL_UNKNOWN;
	return level_parse((struct slice){open + 2, (size_t)(close - open) - 2});
}

/* Of any of the formats. */
static enum level
level_of(struct slice line)
{
	if (line.len == 0 || line.data[0] != '{')
		return text_level(line);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *value, *object = tokener == NULL ? NULL
	                                                     : json_tokener_parse_ex(tokener,
								       line.data, (int)line.len);
	enum level level = LEVEL_UNKNOWN;
	if (json_object_is_type(object, json_type_object) &&
		json_object_object_get_ex(object, "level", &value))
		level = level_parse(slice_of(json_object_get_string(value)));
	json_object_put(object);
	if (tokener != NULL)
		json_tokener_free(tokener);
	return level;
}

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* One that has no known level is shown rather than missed. */
static void
print_line(const struct options *options, struct slice line)
{
	enum level level = options->level == LEVEL_UNKNOWN ? LEVEL_UNKNOWN : level_of(line);
	if (level != LEVEL_UNKNOWN && level < options->level)
		return;
	/* What others have published is not for a terminal to obey. */
	for (size_t i = 0; options->terminal && i < line.len; i++)
		putchar_unlocked(is_control(line.data[i]) ? '?' : line.data[i]);
	if (!options->terminal)
		fwrite(line.data, 1, line.len, stdout);
	putchar('\n');
}

/* What cannot be the name of a batch is none: it came from somebody else. */
static const char *
id_of(const struct forward_message *message)
{
	const char *id = message->id;
	if (id == NULL || strlen(id) >= ID_BYTES)
		return NULL;
	for (const char *at = id; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~')
			return NULL;
	}
	return id;
}

static void
print_message(const struct options *options, const struct forward_message *message)
{
	if (options->ids) {
		const char *id = id_of(message);
		printf("%s %zu\n", id == NULL ? "-" : id, message->len);
		return;
	}
	for (const char *at = message->bytes, *end = at + message->len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline == NULL ? end : newline) - at);
		print_line(options, (struct slice){at, len});
		at += len + 1;
	}
}

/* Whether it is one to be shown, and was not. */
static bool
is_wanted(const struct options *options, const struct forward_message *message, struct seen *seen)
{
	/* Some engines tell whole seconds. */
	if (message->time_ms > 0 && message->time_ms < options->since_ms / 1000 * 1000)
		return false;
	if (options->node != NULL &&
		(message->node == NULL || strcmp(message->node, options->node) != 0))
		return false;
	const char *id = id_of(message);
	if (id == NULL || options->ids)
		return true;
	int first = seen_add(seen, id);
	if (first < 0)
		err(EX_OSERR, NULL);
	return first == 1;
}

/* An engine's words, which are not for the terminal to obey. */
static const char *
plain(char *text)
{
	for (char *at = text; *at != '\0'; at++) {
		if (is_control(*at))
			*at = '?';
	}
	return text;
}

static int
print_all(const struct options *options, const struct forward_driver *driver, void *state)
{
	struct seen seen = {0};
	struct forward_message message;
	char why[FORWARD_WHY_MAX] = "";
	enum forward_outcome outcome;
	int64_t heard_ms = clock_mono_ms();
	do {
		outcome = driver->read_next(state, &message, WAIT_MS, why);
		if (outcome != FORWARD_PENDING)
			heard_ms = clock_mono_ms();
		if (outcome == FORWARD_OK && is_wanted(options, &message, &seen))
			print_message(options, &message);
	} while ((outcome == FORWARD_OK || outcome == FORWARD_PENDING) && !ferror(stdout) &&
		 clock_mono_ms() - heard_ms < SILENCE_MS);
	seen_fini(&seen);
	if (ferror(stdout) || fflush(stdout) != 0)
		err(EX_IOERR, "standard output");
	if (outcome != FORWARD_END)
		warnx("%s", why[0] != '\0' ? plain(why) : "the engine has stopped in the middle");
	return outcome == FORWARD_END     ? EX_OK
	       : outcome == FORWARD_FATAL ? EX_UNAVAILABLE
	                                  : EX_TEMPFAIL;
}

int
main(int argc, char **argv)
{
	static struct options options = {.level = LEVEL_UNKNOWN};
	static struct destination destination;
	char why[FORWARD_WHY_MAX] = "";
	void *state = NULL;
	bool closed = fcntl(STDOUT_FILENO, F_GETFD) < 0;
	standard_occupy();
	parse_options(&options, argc, argv);
	if (closed)
		errx(EX_IOERR, "standard output is closed");
	if (destination_make(&destination, &options.engine, &options.tls, &options.auth, why) !=
		NULL)
		errx(EX_NOINPUT, "--passfile: %s", why);
	options.terminal = isatty(STDOUT_FILENO) != 0;
	const struct forward_driver *driver = module_load(options.engine.scheme, why);
	if (driver == NULL)
		errx(EX_UNAVAILABLE, "%s; it is in the package %s", why,
			engine_package(options.engine.scheme));
	if (driver->read_open == NULL)
		errx(EX_UNAVAILABLE, "the driver of %s cannot read", options.engine.scheme);
	enum forward_outcome outcome = driver->read_open(
		&destination.target, options.since_ms, &state, why);
	if (outcome != FORWARD_OK)
		errx(outcome == FORWARD_RETRY ? EX_TEMPFAIL : EX_UNAVAILABLE, "%s", plain(why));
	int status = print_all(&options, driver, state);
	driver->read_close(state);
	destination_forget(&destination);
	return status;
}
