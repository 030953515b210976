/* SPDX-License-Identifier: ISC */
/* Going into the background. */
#include "super/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* TERM and INT are blocked by now: without this an operator could not give up waiting. */
static int
open_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* True when the daemon has said that it serves, false when it has ended. */
static bool
hear(pid_t child, int fd)
{
	char byte;
	struct signalfd_siginfo info;
	struct pollfd polls[] = {
		{.fd = fd, .events = POLLIN}, {.fd = open_signals(), .events = POLLIN}};
	for (;;) {
		poll(polls, 2, -1);
		if (polls[0].revents != 0)
			return read(fd, &byte, 1) == 1;
		if (read(polls[1].fd, &info, sizeof info) == (ssize_t)sizeof info)
			kill(child, (int)info.ssi_signo);
	}
}

static void __attribute__((noreturn)) wait_for_outcome(pid_t child, int fd)
{
	if (hear(child, fd))
		_exit(EX_OK);
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	/* One that was stopped before it served has ended well, but there is no daemon. */
	bool told = WIFEXITED(status) && WEXITSTATUS(status) != EX_OK;
	_exit(told ? WEXITSTATUS(status) : EX_OSERR);
}

int
detach_begin(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t child = fork();
	if (child > 0) {
		close(ends[1]);
		wait_for_outcome(child, ends[0]);
	}
	close(ends[0]);
	if (child < 0) {
		close(ends[1]);
		return -1;
	}
	setsid();
	return ends[1];
}

void
detach_from_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO && null >= 0; standard++)
		dup2(null, standard);
	if (null > STDERR_FILENO)
		close(null);
}

void
detach_ready(int fd)
{
	ssize_t ignored = write(fd, "", 1);
	(void)ignored;
	close(fd);
}
