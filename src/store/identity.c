/* SPDX-License-Identifier: ISC */
/* Asks statx(2), which knows a file's birth where the file system does. */
#include "store/identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/mark.h"

enum { SECOND_NS = 1000000000 };

static int
identify(struct identity *identity, int folder, const char *name, int flags)
{
	struct statx st;
	if (statx(folder, name, flags, STATX_TYPE | STATX_INO | STATX_BTIME, &st) != 0)
		return -1;
	dev_t dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	int64_t born_ns = 0;
	if (st.stx_mask & STATX_BTIME)
		born_ns = (int64_t)st.stx_btime.tv_sec * SECOND_NS + st.stx_btime.tv_nsec;
	*identity = (struct identity){
		.dev = dev,
		.ino = st.stx_ino,
		.file = mark_file(dev, st.stx_ino, born_ns),
		.is_regular = S_ISREG(st.stx_mode),
	};
	return 0;
}

int
identity_of(struct identity *identity, int fd)
{
	return identify(identity, fd, "", AT_EMPTY_PATH);
}

int
identity_in(struct identity *identity, int folder, const char *name)
{
	return identify(identity, folder, name, AT_SYMLINK_NOFOLLOW);
}
