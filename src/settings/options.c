/* SPDX-License-Identifier: ISC */
/* The daemon's command line. */
#include "settings/options.h"

#include <getopt.h>
#include <sysexits.h>
#include <unistd.h>

static const char usage_text[] =
	"usage: logcollectd [-dSt] [-f file] [-c 'Directive value']...\n"
	"       logcollectd -h | -V\n"
	"\n"
	"  -f file    read this configuration file; without it the built-in defaults hold\n"
	"  -c text    a directive that is stronger than file and environment; repeatable\n"
	"  -t         test the configuration and exit\n"
	"  -S         print the settings in force and where each comes from, and exit\n"
	"  -d         detach: go into the background once clients are served\n"
	"  -h         show this help\n"
	"  -V         show the version\n";

static int
usage_error(void)
{
	fputs(usage_text, stderr);
	return EX_USAGE;
}

int
options_parse(struct options *options, int argc, char **argv)
{
	int option;
	options->sources.extra = options->extra;
	while ((option = getopt(argc, argv, "f:c:tSdhV")) != -1) {
		switch (option) {
		case 'f':
			options->sources.file = optarg;
			break;
		case 'c':
			if (options->sources.extra_count == OPTIONS_EXTRA_MAX) {
				fprintf(stderr, "logcollectd: at most %d -c options\n",
					OPTIONS_EXTRA_MAX);
				return EX_USAGE;
			}
			options->extra[options->sources.extra_count++] = optarg;
			break;
		case 't':
			options->test = true;
			break;
		case 'S':
			options->show = true;
			break;
		case 'd':
			options->detach = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EX_OK;
		case 'V':
			puts("logcollectd " LOGCOLLECTD_VERSION);
			return EX_OK;
		default:
			return usage_error();
		}
	}
	return optind < argc ? usage_error() : -1;
}
