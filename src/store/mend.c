/* SPDX-License-Identifier: ISC */
/* Looks through a folder for the files that notes speak of. */
#include "store/mend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/identity.h"
#include "store/logfile.h"

static bool
has_note(int folder, const char *name, const struct logfile_mark *mark)
{
	struct identity identity;
	return identity_in(&identity, folder, name) == 0 && identity.is_regular &&
	       mark_find(mark, identity.file) >= 0;
}

static void
mend(int folder, const char *name, struct logfile_mark *mark)
{
	int fd = openat(folder, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct logfile logfile = {.fd = fd, .mark = mark, .spool = -1};
	if (fd >= 0 && identity_of(&logfile.identity, fd) == 0)
		(void)logfile_mend(&logfile);
	logfile_close(&logfile);
}

void
mend_folder(const char *dir, struct logfile_mark *mark)
{
	int saved = errno;
	DIR *folder = mark_any(mark) ? opendir(dir) : NULL;
	const struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (has_note(dirfd(folder), entry->d_name, mark))
			mend(dirfd(folder), entry->d_name, mark);
	}
	if (folder != NULL)
		closedir(folder);
	errno = saved;
}
