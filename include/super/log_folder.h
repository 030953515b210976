/* SPDX-License-Identifier: ISC */
/* The folders of the log and of the spool, where workers without privileges cannot make them themselves. */
#ifndef SUPER_LOG_FOLDER_H
#define SUPER_LOG_FOLDER_H

#include "settings/settings.h"
#include "super/privileges.h"

struct log_folder {
	const struct settings *settings;
	const struct privileges *privileges; /* of the workers: whose the folders are to be */
};

/* Makes those that are missing and wanted; with our own privileges.  0, or -1 with errno.  May wait for a dead disk. */
int log_folder_make(const struct log_folder *folder);

/* The same as an errand, of a struct log_folder: 0 or an errno. */
int log_folder_errand(const void *context);

#endif
