/* SPDX-License-Identifier: ISC */
/* Going into the background. */
#include "super/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static void __attribute__((noreturn)) wait_for_outcome(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EX_OK);
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
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
detach_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO && null >= 0; standard++)
		dup2(null, standard);
	if (null > STDERR_FILENO)
		close(null);
	ssize_t ignored = write(fd, "", 1);
	(void)ignored;
	close(fd);
}
