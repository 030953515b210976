/* SPDX-License-Identifier: ISC */
/* What a child is asked, and one that does not answer. */
#include "super/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit/tap.h"

enum { LONG_MS = 20000, SHORT_MS = 50 };

static const struct privileges same = {.change = false};

static int
echo(const void *context)
{
	return *(const int *)context;
}

static int
hang(const void *context)
{
	(void)context;
	while (pause() != 0)
		continue;
	return 0;
}

static int
kill_oneself(const void *context)
{
	(void)context;
	raise(SIGKILL);
	return 0;
}

static int
is_open(const void *context)
{
	return fcntl(*(const int *)context, F_GETFD) < 0 ? 0 : 1;
}

static bool
has_children(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
answered(void)
{
	struct errands errands = {0};
	const int outcomes[] = {0, EACCES, EDQUOT, EHWPOISON};
	for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
		CU_ASSERT_EQUAL(
			errand_run(&errands, &same, echo, &outcomes[i], LONG_MS), outcomes[i]);
	CU_ASSERT_EQUAL(errand_run(&errands, &same, kill_oneself, NULL, LONG_MS), -1);
	CU_ASSERT_EQUAL(errno, EINTR);
	CU_ASSERT_FALSE(has_children());
}

static void
keeps_nothing_open(void)
{
	struct errands errands = {0};
	int fd = open("/dev/null", O_RDONLY);
	CU_ASSERT_EQUAL(errand_run(&errands, &same, is_open, &fd, LONG_MS), 0);
	close(fd);
}

static void
reap_all(struct errands *errands)
{
	int64_t end_ms = clock_mono_ms() + LONG_MS;
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++) {
		while (errands->lost[i] != 0 && clock_mono_ms() < end_ms)
			errand_reap(errands);
	}
}

static void
late(void)
{
	struct errands errands = {0};
	const int outcome = ENOENT;
	CU_ASSERT_EQUAL(errand_run(&errands, &same, hang, NULL, SHORT_MS), ETIMEDOUT);
	CU_ASSERT_NOT_EQUAL(errands.lost[0], 0);
	reap_all(&errands);
	CU_ASSERT_EQUAL(errands.lost[0], 0);
	CU_ASSERT_FALSE(has_children());
	CU_ASSERT_EQUAL(errand_run(&errands, &same, echo, &outcome, LONG_MS), ENOENT);
}

/* Those that do not die keep nobody from asking something else, but they are not many. */
static void
still_there(void)
{
	struct errands errands = {0};
	const int outcome = ENOENT;
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++) {
		CU_ASSERT_EQUAL(errand_run(&errands, &same, echo, &outcome, LONG_MS), ENOENT);
		errands.lost[i] = fork();
		if (errands.lost[i] == 0)
			_exit(hang(NULL));
	}
	CU_ASSERT_EQUAL(errand_run(&errands, &same, echo, &outcome, LONG_MS), ETIMEDOUT);
	for (size_t i = 0; i < ERRANDS_LOST_MAX; i++)
		kill(errands.lost[i], SIGKILL);
	reap_all(&errands);
	CU_ASSERT_FALSE(has_children());
	CU_ASSERT_EQUAL(errand_run(&errands, &same, echo, &outcome, LONG_MS), ENOENT);
}

/* Without a descriptor nobody can wait for a child for a while only. */
static void
no_descriptor(void)
{
	struct errands errands = {0};
	struct rlimit before, none;
	const int outcome = 0;
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	int result = errand_run(&errands, &same, echo, &outcome, LONG_MS);
	int error = errno;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	CU_ASSERT_EQUAL(result, -1);
	CU_ASSERT_EQUAL(error, EMFILE);
	reap_all(&errands);
	CU_ASSERT_FALSE(has_children());
}

static int
with_limit(void)
{
	struct errands errands = {0};
	const int outcome = 0;
	struct rlimit none = {0, 0};
	if (setrlimit(RLIMIT_NPROC, &none) != 0 || setuid(1000000 + (uid_t)getpid()) != 0)
		return 77;
	int result = errand_run(&errands, &same, echo, &outcome, LONG_MS);
	return result == -1 && errno == EAGAIN ? 0 : 1;
}

static void
no_child(void)
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(with_limit());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("# skipped: needs root\n");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"the answer comes back", answered},
		{"nothing is left open in the child", keeps_nothing_open},
		{"one that does not answer is given up and reaped", late},
		{"those that do not die are not many", still_there},
		{"no descriptor to be had", no_descriptor},
		{"no process to be had", no_child},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("errand", cases);
}
