/* SPDX-License-Identifier: ISC */
/* The outcome is the child's exit status: Linux has no errno that would not fit. */
#include "super/errand.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int
run_in_child(const struct privileges *privileges, errand *run, const void *context)
{
	close_range(STDERR_FILENO + 1, ~0U, 0);
	return privileges_take(privileges) == 0 ? run(context) : errno;
}

/* Whether the child has ended in time. */
static bool
has_ended(pid_t pid, int wait_ms)
{
	struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	if (ended.fd < 0)
		return false;
	int count = poll(&ended, 1, wait_ms);
	close(ended.fd);
	return count == 1;
}

void
errand_reap(struct errands *errands)
{
	if (errands->lost != 0 && waitpid(errands->lost, NULL, WNOHANG) != 0)
		errands->lost = 0;
}

int
errand_run(struct errands *errands, const struct privileges *privileges, errand *run,
	const void *context, int wait_ms)
{
	errand_reap(errands);
	if (errands->lost != 0)
		return ETIMEDOUT;
	pid_t pid = fork();
	if (pid == 0)
		_exit(run_in_child(privileges, run, context));
	if (pid < 0)
		return -1;
	if (!has_ended(pid, wait_ms)) {
		/* Who waits for a dead disk dies when that answers. */
		kill(pid, SIGKILL);
		errands->lost = pid;
		return ETIMEDOUT;
	}
	int status;
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	errno = EINTR;
	return -1;
}
