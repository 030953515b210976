/* SPDX-License-Identifier: ISC */
/*
 * The types of settings: how the text of a value is checked and stored in its field, and how the field is
 * written again.  The table (settings/directive.h) names one pair for each directive.  Fields are
 * zeroed behind a string's end, so that equal settings are equal bytes.  Thread-safe.
 */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include "settings/directive.h"

directive_set value_set_number;        /* int64_t within min and max */
directive_set value_set_boolean;       /* int32_t: on or off */
directive_set value_set_choice;        /* int32_t: index in values */
directive_set value_set_level;         /* int32_t: enum level */
directive_set value_set_text;          /* char[size] of min bytes or more, no control characters */
directive_set value_set_filename;      /* text without a folder */
directive_set value_set_listen;        /* adds an endpoint; the caller empties the list */
directive_set value_set_tls_protocols; /* words with one space between */
directive_set value_set_status_listen;
directive_set
	value_set_require; /* adds rules; of this and the next two: words with one space between */
directive_set value_set_networks;       /* adds address blocks, or none */
directive_set value_set_status_require; /* words with one space between */
directive_set value_set_names;          /* struct field_list; the default is its standard name */
directive_set value_set_log_sync;
directive_set value_set_error_log;
directive_set value_set_user;
directive_set value_set_group;

directive_print value_print_number;
directive_print value_print_boolean;
directive_print value_print_choice;
directive_print value_print_level;
directive_print value_print_text;
directive_print value_print_listen;
directive_print value_print_tls_protocols;
directive_print value_print_status_listen;
directive_print value_print_require;
directive_print value_print_networks;
directive_print value_print_status_require;
directive_print value_print_names;
directive_print value_print_log_sync;

/* Appends a word of a file, in double quotes where it needs them.  0, or -1 with errno ENOMEM. */
int value_print_word(const char *word, struct buf *out);

#endif
