/* SPDX-License-Identifier: ISC */
/* The outcome is the child's exit status: Linux has no errno that would not fit. */
#include "super/errand.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int
run_in_child(const struct privileges *privileges, errand *run, const void *context)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	closefrom(STDERR_FILENO + 1);
	return privileges == NULL || privileges_take(privileges) == 0 ? run(context) : errno;
}

/* 1: the child has ended in time; 0: it has not; -1: nobody can tell. */
static int
has_ended(pid_t pid, int wait_ms)
{
	struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	if (ended.fd < 0)
		return -1;
	int count = poll(&ended, 1, wait_ms);
	close(ended.fd);
	return count;
}

void
errand_reap(struct errands *errands)
{
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++) {
		if (errands->lost[i] != 0 && waitpid(errands->lost[i], NULL, WNOHANG) != 0)
			errands->lost[i] = 0;
	}
}

bool
errand_is_lost(const struct errands *errands, pid_t pid)
{
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++) {
		if (errands->lost[i] == pid)
			return true;
	}
	return false;
}

/* A place for one that may be lost, or NULL. */
static pid_t *
find_place(struct errands *errands)
{
	errand_reap(errands);
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++) {
		if (errands->lost[i] == 0)
			return &errands->lost[i];
	}
	return NULL;
}

/* Who waits for a dead disk dies when that answers. */
static void
give_up(pid_t pid, pid_t *place)
{
	int saved = errno;
	kill(pid, SIGKILL);
	*place = pid;
	errno = saved;
}

int
errand_run(struct errands *errands, const struct privileges *privileges, errand *run,
	const void *context, int wait_ms)
{
	pid_t *place = find_place(errands);
	if (place == NULL)
		return ETIMEDOUT;
	pid_t pid = fork();
	if (pid == 0)
		_exit(run_in_child(privileges, run, context));
	if (pid < 0)
		return -1;
	int ended = has_ended(pid, wait_ms);
	if (ended <= 0) {
		give_up(pid, place);
		return ended < 0 ? -1 : ETIMEDOUT;
	}
	int status;
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	errno = EINTR;
	return -1;
}
