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
#include "core/order.h"

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
	child->ready = child->worn_out = child->draining = false;
	child->retired_ms = 0;
	child->born_ms = now_ms;
	return 0;
}

/* 0, or -1 with errno. */
static int
send_order(int channel, char order, int fd)
{
	struct iovec iov = {&order, 1};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	char control[CMSG_SPACE(sizeof fd)] = {0};
	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* All orders, in the order in which owed ones are given: any of them may be given twice. */
static const char orders[] = {ORDER_SETTINGS, ORDER_REOPEN, ORDER_RETIRE, ORDER_DRAIN};

static unsigned
bit_of(char order)
{
	const char *at = memchr(orders, order, sizeof orders);
	return at == NULL ? 0 : 1U << (at - orders);
}

void
child_order(struct child *child, char order, int fd)
{
	if (child->channel < 0 || send_order(child->channel, order, fd) == 0 || errno == EPIPE)
		return;
	if (child->owed == 0)
		errlog_warn("%s pid %d does not take orders: %s", child->role, (int)child->pid,
			strerror(errno));
	child->owed |= bit_of(order);
}

bool
child_repeat_orders(struct child *child, int fd)
{
	for (size_t i = 0; i < sizeof orders && child->channel >= 0; i++) {
		if (!(child->owed & bit_of(orders[i])))
			continue;
		if (send_order(child->channel, orders[i], fd) < 0 && errno != EPIPE)
			return true;
		child->owed &= ~bit_of(orders[i]);
	}
	child->owed = 0;
	return false;
}

void
child_forget(struct child *child)
{
	if (child->channel >= 0)
		close(child->channel);
	child->channel = -1;
}

static void
log_end(pid_t pid, const char *name, int status)
{
	if (WIFSIGNALED(status))
		errlog_error("%s (pid %d) was killed by signal %d (SIG%s)%s", name, (int)pid,
			WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
			WCOREDUMP(status) ? ", core dumped" : "");
	else if (WEXITSTATUS(status) != 0)
		errlog_error(
			"%s (pid %d) ended with status %d", name, (int)pid, WEXITSTATUS(status));
}

bool
child_reap(struct child *child, const char *name, int *status)
{
	int wait_status;
	if (child->pid == 0 || waitpid(child->pid, &wait_status, WNOHANG) != child->pid)
		return false;
	if (name != NULL)
		log_end(child->pid, name, wait_status);
	child->pid = 0;
	child->ready = false;
	child_forget(child);
	*status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	return true;
}
