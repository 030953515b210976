/* SPDX-License-Identifier: ISC */
/* Looks users up and becomes them. */
#include "super/privileges.h"

#include <bsd/string.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "guard/powers.h"

const char *
privileges_find(struct privileges *privileges, const char *user, const char *group)
{
	*privileges = (struct privileges){.uid = geteuid(), .gid = getegid()};
	if (user[0] != '\0') {
		const struct passwd *passwd = getpwnam(user);
		if (passwd == NULL)
			return "User: no such user";
		privileges->uid = passwd->pw_uid;
		privileges->gid = passwd->pw_gid;
		strlcpy(privileges->user, user, sizeof privileges->user);
	}
	if (group[0] != '\0') {
		const struct group *entry = getgrnam(group);
		if (entry == NULL)
			return "Group: no such group";
		privileges->gid = entry->gr_gid;
	}
	privileges->change = privileges->uid != geteuid() || privileges->gid != getegid();
	if (privileges->change && geteuid() != 0)
		return "User and Group can only be changed by a daemon that root has started";
	return NULL;
}

static int
take_groups(const struct privileges *privileges)
{
	if (privileges->user[0] == '\0')
		return setgroups(0, NULL);
	return initgroups(privileges->user, privileges->gid);
}

int
privileges_take(const struct privileges *privileges)
{
	if (!privileges->change)
		return powers_drop();
	if (take_groups(privileges) < 0 ||
		setresgid(privileges->gid, privileges->gid, privileges->gid) < 0)
		return -1;
	if (setresuid(privileges->uid, privileges->uid, privileges->uid) < 0)
		return -1;
	/* A way back would be a hole. */
	if (privileges->uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
	return powers_drop();
}
