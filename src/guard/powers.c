/* SPDX-License-Identifier: ISC */
/* Gives up capabilities, and shows or hides the memory. */
#include "guard/powers.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system call itself: libcap has nothing else that is needed here.  0, or -1 with errno. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	if (syscall(SYS_capget, &header, sets) < 0)
		return -1;
	__u32 any = 0;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
		sets[i] = (struct __user_cap_data_struct){0};
	}
	/* Who has none need not ask: a service manager may have forbidden the call. */
	return any == 0 ? 0 : (int)syscall(SYS_capset, &header, sets);
}

/* Only with CAP_SETPCAP; without it no-new-privs has to do. */
static void
drop_bounding_set(void)
{
	for (unsigned long capability = 0; capability < 64; capability++) {
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return;
	}
}

int
powers_drop(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	drop_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return drop_capabilities();
}

void
powers_hide(bool hidden)
{
#ifdef LOGCOLLECTD_SANITIZER
	hidden = false;
#endif
	(void)prctl(PR_SET_DUMPABLE, hidden ? 0 : 1, 0, 0, 0);
}
