/* SPDX-License-Identifier: ISC */
/* The signals of the supervisor and its children. */
#include "super/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

void
signals_block(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have ignored it: then the kernel tells nobody of the dead. */
	signal(SIGCHLD, SIG_DFL);
	/* A file-size limit is an EFBIG like any other error of the disk. */
	signal(SIGXFSZ, SIG_IGN);
}

int
signals_open(void)
{
	sigset_t signals;
	sigprocmask(SIG_BLOCK, NULL, &signals);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}
