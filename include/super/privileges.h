/* SPDX-License-Identifier: ISC */
/*
 * User and Group: looked up once by the supervisor, taken on by every worker.  The
 * supervisor keeps its own, so that it can bind low ports and replace workers.
 */
#ifndef SUPER_PRIVILEGES_H
#define SUPER_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

struct privileges {
	bool change; /* false: stay what we are */
	char user[256];
	uid_t uid;
	gid_t gid;
};

/*
 * Looks the names up ("" means: not set).  An unprivileged process may only name what it is.
 * Returns NULL, or what is wrong.
 */
const char *privileges_find(struct privileges *privileges, const char *user, const char *group);

/*
 * Becomes that user, for good: groups, group, user; and gives up all capabilities, also where nothing is to change: root is
 * then a user as others are, whom files belong to.  0, or -1 with errno.
 */
int privileges_take(const struct privileges *privileges);

#endif
