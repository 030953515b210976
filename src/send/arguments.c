/* SPDX-License-Identifier: ISC */
/* The options, what is wrong with them, and what each of them means. */
#include "send/arguments.h"

#include <bsd/stdlib.h>
#include <getopt.h>
#include <stdarg.h>
#include <sysexits.h>
#include <unistd.h>

#include "send/dial.h"

enum {
	LOCAL_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path,
	NAME_BYTES_MAX = 255, /* what a handshake takes */
};

static const char usage[] =
	"usage: logsend [-q] [-h host] [-p port] [-l level] [-w lines] [--timeout seconds]\n"
	"               [--retries count] [tls] [-f file | message ...]\n"
	"       logsend [-q] [-h host] [-p port] [-w lines] [--timeout seconds]\n"
	"               [--retries count] [tls] --ndjson [-f file]\n"
	"       logsend [-q] [-h host] [-p port] [--timeout seconds] [--retries count]\n"
	"               [tls] --smoke\n"
	"tls:   --tls [--cafile file] [--cert file [--key file]] [--tls-name name]\n"
	"               [--insecure]\n";

static const char help[] =
	"\n"
	"Sends the message, or each line of the file or of standard input, as a log record to\n"
	"logcollectd and prints a summary of its verdicts.\n"
	"\n"
	"  -h, --host HOST         the server, or unix:/path (SERVER_HOST, else localhost)\n"
	"  -p, --port PORT         its port (SERVER_PORT, else 9000)\n"
	"  -l, --level LEVEL       the level of the records (INFO)\n"
	"  -f, --file FILE         read FILE; - is standard input\n"
	"      --ndjson            lines are JSON already: send them as they are\n"
	"      --smoke             send one record of each level, show each answer\n"
	"  -w, --window LINES      most lines that wait for an answer at a time (512)\n"
	"      --timeout SECONDS   how long to wait for an answer (30)\n"
	"      --retries COUNT     how often to try again before giving up (5)\n"
	"      --tls               speak TLS; the server has to prove who it is\n"
	"      --cafile FILE       trust these authorities or certificates, not the system's\n"
	"      --cert FILE         show this certificate to the server\n"
	"      --key FILE          its key, if it is not in the same file\n"
	"      --tls-name NAME     the server's certificate has this name, not that of -h\n"
	"      --insecure          do not verify who the server is\n"
	"  -q, --quiet             print errors only\n"
	"      --help              print this help\n"
	"  -V, --version           print the version\n"
	"\n"
	"Exit status: 0 all accepted (received or filtered), 1 some rejected, 64 usage, 66 no "
	"input,\n"
	"69 no service, 71 system error, 74 input/output error.\n";

__attribute__((noreturn, format(printf, 1, 2))) static void
bad_usage(const char *format, ...)
{
	va_list args;
	fprintf(stderr, "%s: ", getprogname());
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n%s", usage);
	exit(EX_USAGE);
}

static int64_t
parse_number(const char *what, const char *text, int64_t min, int64_t max)
{
	const char *error = NULL;
	int64_t number = strtonum(text, min, max, &error);
	if (error != NULL)
		bad_usage("%s \"%s\" is %s: it takes a number from %lld to %lld", what, text, error,
			(long long)min, (long long)max);
	return number;
}

/* A variable that is empty counts as not set. */
static const char *
from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : otherwise;
}

enum {
	OPTION_NDJSON = 256,
	OPTION_SMOKE,
	OPTION_TIMEOUT,
	OPTION_RETRIES,
	OPTION_HELP,
	OPTION_TLS,
	OPTION_CAFILE,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_TLS_NAME,
	OPTION_INSECURE,
};

static const struct option long_options[] = {
	{"host", required_argument, NULL, 'h'},
	{"port", required_argument, NULL, 'p'},
	{"level", required_argument, NULL, 'l'},
	{"file", required_argument, NULL, 'f'},
	{"window", required_argument, NULL, 'w'},
	{"quiet", no_argument, NULL, 'q'},
	{"version", no_argument, NULL, 'V'},
	{"ndjson", no_argument, NULL, OPTION_NDJSON},
	{"smoke", no_argument, NULL, OPTION_SMOKE},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"retries", required_argument, NULL, OPTION_RETRIES},
	{"tls", no_argument, NULL, OPTION_TLS},
	{"cafile", required_argument, NULL, OPTION_CAFILE},
	{"cert", required_argument, NULL, OPTION_CERT},
	{"key", required_argument, NULL, OPTION_KEY},
	{"tls-name", required_argument, NULL, OPTION_TLS_NAME},
	{"insecure", no_argument, NULL, OPTION_INSECURE},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* False when it is none of those. */
static bool
take_tls_option(struct arguments *options, int option, const char *value)
{
	struct trust_options *trust = &options->trust;
	switch (option) {
	case OPTION_TLS:
		options->tls = true;
		return true;
	case OPTION_CAFILE:
		trust->ca_file = value;
		return true;
	case OPTION_CERT:
		trust->cert_file = value;
		return true;
	case OPTION_KEY:
		trust->key_file = value;
		return true;
	case OPTION_TLS_NAME:
		trust->name = value;
		return true;
	case OPTION_INSECURE:
		trust->insecure = true;
		return true;
	default:
		return false;
	}
}

static void
take_option(struct arguments *options, int option, const char *value)
{
	switch (option) {
	case 'h':
		options->sender.host = value;
		return;
	case 'p':
		options->sender.port = value;
		return;
	case 'l':
		options->level = value;
		return;
	case 'f':
		options->file = value;
		return;
	case 'w':
		options->sender.window = (size_t)parse_number("--window", value, 1, 1000000);
		return;
	case 'q':
		options->quiet = true;
		return;
	case OPTION_NDJSON:
		options->ndjson = true;
		return;
	case OPTION_SMOKE:
		options->smoke = true;
		return;
	case OPTION_TIMEOUT:
		options->sender.timeout_ms = 1000 * parse_number("--timeout", value, 1, 86400);
		return;
	case OPTION_RETRIES:
		options->sender.retries = parse_number("--retries", value, 0, 1000000);
		return;
	case 'V':
		puts("logsend " LOGCOLLECTD_VERSION);
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	case OPTION_HELP:
		printf("%s%s", usage, help);
		exit(fflush(stdout) == 0 ? EX_OK : EX_IOERR);
	default: /* getopt has said what is wrong */
		if (take_tls_option(options, option, value))
			return;
		fputs(usage, stderr);
		exit(EX_USAGE);
	}
}

static void
check_tls_options(const struct arguments *options)
{
	const struct trust_options *trust = &options->trust;
	const char *given = trust->ca_file != NULL     ? "--cafile"
	                    : trust->cert_file != NULL ? "--cert"
	                    : trust->key_file != NULL  ? "--key"
	                    : trust->name != NULL      ? "--tls-name"
	                    : trust->insecure          ? "--insecure"
	                                               : NULL;
	if (!options->tls && given != NULL)
		bad_usage("%s has no meaning without --tls", given);
	if (trust->key_file != NULL && trust->cert_file == NULL)
		bad_usage("--key has no meaning without --cert");
	if (trust->insecure && trust->ca_file != NULL)
		bad_usage("--cafile and --insecure exclude each other");
	if (trust->name != NULL && (*trust->name == '\0' || strlen(trust->name) > NAME_BYTES_MAX))
		bad_usage("--tls-name takes the name in the server's certificate, of at most 255 "
			  "bytes");
}

static void
check_options(const struct arguments *options, bool level_given, bool port_given)
{
	int sources = (options->file != NULL) + (options->word_count > 0) + options->smoke;
	if (sources > 1)
		bad_usage("a message, --file and --smoke exclude each other");
	if (options->ndjson && (options->smoke || options->word_count > 0))
		bad_usage("--ndjson is for lines of a file or of standard input");
	if (level_given && (options->ndjson || options->smoke))
		bad_usage("--level has no meaning with --ndjson or --smoke");
	check_tls_options(options);
	const char *path = dial_local_path(options->sender.host);
	if (path != NULL && (path[0] != '/' || strlen(path) >= LOCAL_PATH_MAX))
		bad_usage("behind unix: stands an absolute path of at most 107 bytes, as in "
			  "unix:/run/logcollectd.sock");
	parse_number(port_given ? "--port" : "SERVER_PORT", options->sender.port, 1, 65535);
}

struct arguments
arguments_parse(int argc, char **argv)
{
	struct arguments options = {
		.sender = {.window = 512, .timeout_ms = 30000, .retries = 5},
	};
	int option;
	/* Options end at the first word: a message may hold words that begin with a dash. */
	while ((option = getopt_long(argc, argv, "+h:p:l:f:w:qV", long_options, NULL)) != -1)
		take_option(&options, option, optarg);
	options.words = argv + optind;
	options.word_count = (size_t)(argc - optind);

	bool level_given = options.level != NULL, port_given = options.sender.port != NULL;
	if (!level_given)
		options.level = "INFO";
	if (!port_given)
		options.sender.port = from_environment("SERVER_PORT", "9000");
	if (options.sender.host == NULL)
		options.sender.host = from_environment("SERVER_HOST", "localhost");
	check_options(&options, level_given, port_given);
	if (options.trust.name == NULL)
		options.trust.name = options.sender.host;
	return options;
}
