/* SPDX-License-Identifier: ISC */
/* Makes folders for others. */
#include "super/log_folder.h"

#include <errno.h>
#include <unistd.h>

#include "settings/forwarding.h"
#include "store/folder.h"

static int
make_missing(const char *path, const struct privileges *privileges)
{
	return access(path, F_OK) == 0 ? 0 : folder_make(path, privileges->uid, privileges->gid);
}

int
log_folder_make(const struct log_folder *folder)
{
	const struct settings *settings = folder->settings;
	if (!settings->policy.persist || !folder->privileges->change)
		return 0;
	if (make_missing(settings->log_dir, folder->privileges) != 0)
		return -1;
	char room[FORWARDING_SPOOL_BYTES];
	const char *spool = forwarding_spool(settings, room);
	return spool == NULL ? 0 : make_missing(spool, folder->privileges);
}

int
log_folder_errand(const void *context)
{
	return log_folder_make(context) == 0 ? 0 : errno;
}
