/* SPDX-License-Identifier: ISC */
/* The command line of logsend, and what of it comes from the environment. */
#ifndef SEND_ARGUMENTS_H
#define SEND_ARGUMENTS_H

#include "send/sender.h"

struct arguments {
	struct sender_options sender; /* its trust is the caller's to set */
	bool tls;
	struct trust_options trust; /* with tls */
	const char *level;
	const char *file; /* NULL: standard input */
	char *const *words;
	size_t word_count;
	bool ndjson, smoke, quiet;
};

/*
 * All of it, checked; the strings are those of argv and of the environment.  Ends the program with
 * EX_USAGE and a message where there is a mistake, and with 0 after --help and --version.
 */
struct arguments arguments_parse(int argc, char **argv);

#endif
