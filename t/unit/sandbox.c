/* SPDX-License-Identifier: ISC */
/* The very filter, loaded in a child that then tries what it may and what it may not. */
#include "guard/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "guard/powers.h"
#include "lib/scratch.h"
#include "unit/tap.h"

enum { DONE = 0, NOT_CONFINED = 100, LEFT = 101 };

/* Returns 0, or the line where something was not as it has to be (but for the bits that an exit status does not have). */
typedef int deed(const void *context);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# line %d: %s: %s\n", __LINE__, #condition,               \
				strerror(errno));                                                  \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)
#define FAILS(expression, error) MUST((errno = 0, (expression)) == -1 && errno == (error))

/* As waitpid() has it. */
static int
confined(enum sandbox_role role, deed *run, const void *context)
{
	int status = -1;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		if (powers_drop() < 0)
			_exit(NOT_CONFINED);
		enum sandbox_result result = sandbox_load(role);
		if (result != SANDBOX_LOADED)
			_exit(result == SANDBOX_LEFT ? LEFT : NOT_CONFINED);
		exit(run(context));
	}
	waitpid(pid, &status, 0);
	return status;
}

static int
nothing(const void *context)
{
	(void)context;
	return DONE;
}

/* Where it cannot be loaded the reason is told, and the case has nothing to try. */
static bool
can_be_loaded(void)
{
	int status = confined(SANDBOX_WORKER, nothing, NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == LEFT)
		tap_skip("built with a sanitizer, which the filter is not loaded with");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_CONFINED)
		tap_skip("this machine does not let a filter be loaded");
	else
		CU_ASSERT_EQUAL(status, 0);
	return status == 0;
}

#define CALL(name)                                                                                 \
	{                                                                                          \
#name, SYS_##name                                                                  \
	}

static const struct call {
	const char *name;
	long number;
} deadly[] = {CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(mount), CALL(umount2), CALL(bpf), CALL(kexec_load),
	CALL(init_module), CALL(finit_module), CALL(delete_module), CALL(keyctl), CALL(add_key),
	CALL(request_key), CALL(setns), CALL(unshare), CALL(userfaultfd), CALL(perf_event_open),
	CALL(pivot_root), CALL(chroot), CALL(open_by_handle_at), CALL(personality), CALL(reboot),
	CALL(pidfd_getfd), CALL(io_uring_setup), CALL(move_mount), CALL(open_tree),
	CALL(clock_settime), CALL(kcmp), CALL(syslog)};

/* Harmless where it is allowed: there is no descriptor -1, no address 1. */
static int
call_it(const void *context)
{
	const struct call *call = context;
	syscall(call->number, -1L, 1L, 1L, 1L, 1L, 1L);
	return DONE;
}

static void
killed(void)
{
	if (!can_be_loaded())
		return;
	for (int role = SANDBOX_WORKER; role <= SANDBOX_MONITOR; role++) {
		for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) {
			int status = confined((enum sandbox_role)role, call_it, &deadly[i]);
			bool dead = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
			CU_ASSERT(dead);
			if (!dead)
				fprintf(stderr, "# %s: status %#x\n", deadly[i].name, status);
		}
	}
}

/* What both are refused, and go on. */
static int
ask_for_too_much(const void *context)
{
	static char page[4096] __attribute__((aligned(4096)));
	const struct rlimit none = {0};
	const char *dir = context;
	char path[200];
	FAILS(fork(), EPERM);
	FAILS(vfork(), EPERM);
	FAILS(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EPERM);
	FAILS(syscall(SYS_clone3, NULL, 0), ENOSYS);
	FAILS(socket(AF_INET, SOCK_STREAM, 0), EPERM);
	FAILS(socket(AF_INET6, SOCK_DGRAM, 0), EPERM);
	FAILS(socket(AF_NETLINK, SOCK_RAW, 0), EPERM);
	FAILS(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			MAP_FAILED &&
		errno == EPERM);
	FAILS(mprotect(page, sizeof page, PROT_READ | PROT_EXEC), EPERM);
	FAILS((int)syscall(SYS_pkey_mprotect, page, sizeof page, PROT_READ, -1), EPERM);
	FAILS(kill(getppid(), 0), EPERM);
	FAILS((int)syscall(SYS_tgkill, getppid(), getppid(), 0), EPERM);
	FAILS((int)syscall(SYS_pidfd_open, getppid(), 0), EPERM);
	FAILS(setrlimit(RLIMIT_CORE, &none), EPERM);
	FAILS((int)syscall(SYS_setuid, 0), EPERM);
	FAILS((int)syscall(SYS_setgid, 0), EPERM);
	FAILS(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
	FAILS(ioctl(STDIN_FILENO, TIOCSTI, "x"), EPERM);
	FAILS(fcntl(STDIN_FILENO, F_SETOWN, getppid()), EPERM);
	FAILS(setsid(), EPERM);
	FAILS(chmod(dir, 0777), EPERM);
	FAILS(symlink("/", "x"), EPERM);
	FAILS(link("/dev/null", "x"), EPERM);
	FAILS(mkfifo("x", 0600), EPERM);
	FAILS(chown(dir, 1, 1), EPERM);
	FAILS(fchownat(AT_FDCWD, dir, 1, getegid(), 0), EPERM);
	FAILS(chdir("/"), EPERM);
	snprintf(path, sizeof path, "%s/x", dir);
	FAILS(truncate(path, 0), EPERM);
	FAILS(bind(-1, NULL, 0), EPERM);
	FAILS(listen(-1, 0), EPERM);
	return DONE;
}

static int
monitor_asks_for_too_much(const void *context)
{
	pthread_t thread;
	const char *dir = context;
	MUST(pthread_create(&thread, NULL, (void *(*)(void *))(void (*)(void))nothing, NULL) ==
		EPERM);
	FAILS(mkdir("x", 0700), EPERM);
	FAILS(unlink(dir), EPERM);
	FAILS(rename(dir, "x"), EPERM);
	FAILS(flock(STDIN_FILENO, LOCK_UN), EPERM);
	return DONE;
}

static void
refused(void)
{
	char *dir = scratch_new();
	if (can_be_loaded()) {
		CU_ASSERT_EQUAL(confined(SANDBOX_WORKER, ask_for_too_much, dir), 0);
		CU_ASSERT_EQUAL(confined(SANDBOX_MONITOR, ask_for_too_much, dir), 0);
		CU_ASSERT_EQUAL(confined(SANDBOX_MONITOR, monitor_asks_for_too_much, dir), 0);
	}
	scratch_free(dir);
}

/* As the log is written, rotated and mended. */
static int
use_files(const char *dir)
{
	struct iovec lines[] = {{"a\n", 2}, {"b\n", 2}};
	struct stat st;
	struct statx stx;
	char byte;
	int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	MUST(folder >= 0);
	MUST(mkdirat(folder, "sub", 0750) == 0);
	MUST(fchownat(folder, "sub", geteuid(), getegid(), 0) == 0);
	int fd = openat(folder, "sub/log", O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	MUST(fd >= 0 && fcntl(fd, F_DUPFD_CLOEXEC, 0) >= 0);
	MUST(flock(fd, LOCK_EX) == 0 && writev(fd, lines, 2) == 4);
	MUST(fstat(fd, &st) == 0 && st.st_size == 4 && fstatat(folder, "sub", &st, 0) == 0);
	MUST(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx) == 0);
	MUST(pread(fd, &byte, 1, 3) == 1 && byte == '\n' && lseek(fd, 0, SEEK_SET) == 0);
	MUST(fdatasync(fd) == 0 && fsync(fd) == 0 && ftruncate(fd, 2) == 0);
	MUST(linkat(folder, "sub/log", folder, "spooled", 0) == 0 &&
		unlinkat(folder, "spooled", 0) == 0);
	MUST(renameat(folder, "sub/log", folder, "log.1") == 0);
	MUST(unlinkat(folder, "log.1", 0) == 0 && flock(fd, LOCK_UN) == 0);
	DIR *all = opendir(dir);
	MUST(all != NULL && readdir(all) != NULL && closedir(all) == 0);
	MUST(dup3(fd, folder, O_CLOEXEC) == folder && dup2(fd, folder) == folder);
	return DONE;
}

static int
use_sockets(const int ends[2])
{
	const struct timeval soon = {.tv_usec = 1000};
	struct sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "/nobody/there"};
	struct pollfd polls = {.fd = ends[0], .events = POLLIN};
	struct iovec iov = {"xy", 2};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	char room[8];
	int bytes;
	MUST(sendmsg(ends[1], &message, MSG_NOSIGNAL) == 2 && poll(&polls, 1, 1000) == 1);
	MUST(ioctl(ends[0], FIONREAD, &bytes) == 0 && bytes == 2);
	MUST(ioctl(ends[1], TIOCOUTQ, &bytes) == 0 && bytes > 0);
	MUST(recv(ends[0], room, sizeof room, 0) == 2 && send(ends[0], "z", 1, 0) == 1);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon) == 0);
	FAILS(recv(ends[0], room, sizeof room, 0), EAGAIN);
	MUST(shutdown(ends[0], SHUT_RDWR) == 0);
	FAILS(accept4(ends[0], NULL, NULL, SOCK_CLOEXEC), EINVAL);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0);
	FAILS(connect(fd, (const struct sockaddr *)&nobody, sizeof nobody), ENOENT);
	openlog("test", LOG_NDELAY, LOG_USER);
	syslog(LOG_DEBUG, "nothing");
	return DONE;
}

static void *
thread(void *context)
{
	pthread_mutex_t *mutex = context;
	pthread_mutex_lock(mutex);
	char *memory = malloc(8 << 20);
	memset(memory, 1, 8 << 20);
	free(memory);
	pthread_mutex_unlock(mutex);
	malloc_trim(0);
	return NULL;
}

static int
use_threads(void)
{
	pthread_t threads[8];
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 8; i++)
		MUST(pthread_create(&threads[i], NULL, thread, &mutex) == 0);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 8; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	return DONE;
}

struct working {
	const char *dir;
	int ends[2];
};

static int
use_common(const struct working *working)
{
	const struct timespec soon = {.tv_nsec = 1000};
	struct timespec now;
	struct rlimit limit;
	char bytes[16];
	time_t start = 0;
	struct tm tm;
	MUST(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && nanosleep(&soon, NULL) == 0);
	MUST(localtime_r(&start, &tm) != NULL);
	MUST(getrandom(bytes, sizeof bytes, 0) == sizeof bytes && sched_yield() == 0);
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && eventfd(0, EFD_CLOEXEC) >= 0);
	MUST(raise(0) == 0);
	return use_sockets(working->ends);
}

static int
work(const void *context)
{
	const struct working *working = context;
	int status = use_files(working->dir);
	if (status == DONE)
		status = use_threads();
	return status != DONE ? status : use_common(working);
}

static int
watch(const void *context)
{
	const struct working *working = context;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	MUST(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, working->ends[0], &event) == 0);
	MUST(epoll_wait(epoll, &event, 1, 0) == 0);
	DIR *own = opendir("/proc/self/fd");
	MUST(own != NULL && readdir(own) != NULL && closedir(own) == 0);
	int fd = open("/proc/self/stat", O_RDONLY);
	char byte;
	MUST(fd >= 0 && read(fd, &byte, 1) == 1);
	return use_common(working);
}

static void
allowed(void)
{
	struct working working = {.dir = scratch_new()};
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, working.ends), 0);
	if (can_be_loaded()) {
		CU_ASSERT_EQUAL(confined(SANDBOX_WORKER, work, &working), 0);
		close(working.ends[0]);
		close(working.ends[1]);
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, working.ends), 0);
		CU_ASSERT_EQUAL(confined(SANDBOX_MONITOR, watch, &working), 0);
	}
	close(working.ends[0]);
	close(working.ends[1]);
	scratch_free((char *)(uintptr_t)working.dir);
}

/* As a worker does that nobody waits for any longer. */
static int
end_by_oneself(const void *context)
{
	(void)context;
	raise(SIGKILL);
	return DONE;
}

static void
ends(void)
{
	if (!can_be_loaded())
		return;
	int status = confined(SANDBOX_WORKER, end_by_oneself, NULL);
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The first filter refuses what loads a second one, as some containers do. */
static int
load_again(const void *context)
{
	(void)context;
	MUST(sandbox_load(SANDBOX_WORKER) == SANDBOX_FAILED && errno != 0);
	sandbox_enter(SANDBOX_WORKER, true, false);
	return DONE;
}

static void
cannot_load(void)
{
	if (can_be_loaded())
		CU_ASSERT_EQUAL(confined(SANDBOX_WORKER, load_again, NULL), 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {{"what only an intruder asks for", killed},
		{"what is refused", refused}, {"what is needed", allowed},
		{"a process may end itself", ends},
		{"where it cannot be loaded all goes on", cannot_load}, {NULL, NULL}};
	return tap_main("sandbox", cases);
}
