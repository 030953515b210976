/* SPDX-License-Identifier: ISC */
/* Forks, tells and reaps one worker. */
#include "super/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errlog.h"

int
child_start(struct child *child, size_t index, int64_t now_ms,
	int (*in_child)(void *owner, size_t index), void *owner, child_main *main,
	const void *context)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		int refused = in_child(owner, index);
		exit(refused != 0 ? refused : main(context, index, ends[1]));
	}
	int saved = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		errno = saved;
		return -1;
	}
	child->pid = pid;
	child->channel = ends[0];
	child->ready = false;
	child->born_ms = now_ms;
	return 0;
}

void
child_drain(struct child *child)
{
	if (child->channel >= 0)
		send(child->channel, "d", 1, MSG_NOSIGNAL);
}

void
child_forget(struct child *child)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
}

static void
log_end(pid_t pid, size_t index, int status)
{
	if (WIFSIGNALED(status))
		errlog_error("worker %zu (pid %d) was killed by signal %d (SIG%s)%s", index + 1,
			(int)pid, WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
			WCOREDUMP(status) ? ", core dumped" : "");
	else if (WEXITSTATUS(status) != 0)
		errlog_error("worker %zu (pid %d) ended with status %d", index + 1, (int)pid,
			WEXITSTATUS(status));
}

bool
child_reap(struct child *child, size_t index, int *status)
{
	int wait_status;
	if (child->pid == 0 || waitpid(child->pid, &wait_status, WNOHANG) != child->pid)
		return false;
	log_end(child->pid, index, wait_status);
	child->pid = 0;
	child_forget(child);
	*status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	return true;
}
