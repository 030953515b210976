/* SPDX-License-Identifier: ISC */
/*
 * Child processes for tests of shared memory.  A child lives no longer than its parent and no longer than
 * CHILD_SECONDS, so that a hang is a failed test.
 */
#ifndef T_LIB_CHILD_H
#define T_LIB_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = 60, CHILD_UNTRACEABLE = 77 };

/* Runs the function in a child, which exits with 0 after it. */
static inline pid_t
child_start(void (*run)(void *), void *arg)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CHILD_SECONDS);
	run(arg);
	exit(0);
}

/* Waits for its end; whether it exited with 0. */
static inline bool
child_succeeded(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline void
child_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/*
 * Runs the function in a child, which stops itself with SIGSTOP where the test begins, and kills it so many
 * machine instructions later.  Returns how many there were when it ended before, else
 * `steps`; -1 where tracing is forbidden.
 */
static inline long
child_killed_after(void (*run)(void *), void *arg, long steps)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(CHILD_UNTRACEABLE);
		alarm(CHILD_SECONDS);
		run(arg);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status))
		return -1;
	for (long step = 0; step < steps; step++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			return step;
	}
	child_kill(pid);
	return steps;
}

#endif
