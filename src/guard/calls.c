/* SPDX-License-Identifier: ISC */
/*
 * Each list has the names of all processors and C libraries: newfstatat is fstatat64 on some and statx with others, and
 * what ends in 64 or 32 is the same for 32 bits.
 */
#include "guard/calls.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define WHOLE UINT64_MAX

/* Where the flags of clone() stand. */
#ifdef __s390__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

const char *const calls_common[] = {
	/* time, oneself, the end */
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"gettimeofday",
	"nanosleep",
	"time",
	"restart_syscall",
	"getcpu",
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getpid",
	"getppid",
	"getrandom",
	"getrlimit",
	"getrusage",
	"gettid",
	"getuid",
	"getuid32",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"sysinfo",
	"times",
	"ugetrlimit",
	"uname",
	"exit",
	"exit_group",
	/* signals, of which tgkill() only reaches oneself */
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"sigreturn",
	/* memory */
	"brk",
	"madvise",
	"membarrier",
	"mincore",
	"mremap",
	"munmap",
	"msync",
	/* threads and their locks */
	"futex",
	"futex_time64",
	"get_robust_list",
	"rseq",
	"set_robust_list",
	"set_tid_address",
	/* files: the log, that of ErrorLog, the time zone for syslog */
	"access",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"getcwd",
	"getdents",
	"getdents64",
	"_llseek",
	"lseek",
	"lstat",
	"lstat64",
	"newfstatat",
	"open",
	"openat",
	"pread64",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"umask",
	"write",
	"writev",
	"ftruncate",
	"ftruncate64",
	/* sockets that are open, and syslog's */
	"accept",
	"accept4",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"poll",
	"ppoll",
	"ppoll_time64",
	"recv",
	"recvfrom",
	"recvmsg",
	"send",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	NULL,
};

/* Memory is either written or run. */
const struct limited_call calls_common_limited[] = {
	{"mmap", 2, PROT_EXEC, 0},
	{"mmap2", 2, PROT_EXEC, 0},
	{"mprotect", 2, PROT_EXEC, 0},
	{"socket", 0, WHOLE, AF_UNIX},
	{"prlimit64", 2, WHOLE, 0}, /* only looks */
	{"ioctl", 1, WHOLE, SIOCINQ},
	{"ioctl", 1, WHOLE, SIOCOUTQ},
	{"ioctl", 1, WHOLE, TCGETS}, /* asked by the C library of each stream, whatever it is */
	{"fcntl", 1, WHOLE, F_DUPFD},
	{"fcntl", 1, WHOLE, F_DUPFD_CLOEXEC},
	{"fcntl", 1, WHOLE, F_GETFD},
	{"fcntl", 1, WHOLE, F_SETFD},
	{"fcntl", 1, WHOLE, F_GETFL},
	{"fcntl", 1, WHOLE, F_SETFL},
	{"fcntl64", 1, WHOLE, F_DUPFD},
	{"fcntl64", 1, WHOLE, F_DUPFD_CLOEXEC},
	{"fcntl64", 1, WHOLE, F_GETFD},
	{"fcntl64", 1, WHOLE, F_SETFD},
	{"fcntl64", 1, WHOLE, F_GETFL},
	{"fcntl64", 1, WHOLE, F_SETFL},
	{NULL, 0, 0, 0},
};

const char *const calls_worker[] = {
	/* the log: appended to, cut, synced, rotated, its folder made, linked into the spool */
	"fallocate",
	"fdatasync",
	"flock",
	"fsync",
	"linkat",
	"mkdir",
	"mkdirat",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"eventfd2",
	NULL,
};

const struct limited_call calls_worker_limited[] = {
	{"clone", CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD}, /* no processes */
	{NULL, 0, 0, 0},
};

const char *const calls_monitor[] = {
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"_newselect",
	"pselect6",
	"select",
	"sendfile",
	"sendfile64",
	"eventfd2",
	NULL,
};

const char *const calls_deadly[] = {
	/* other programs, other processes' memory */
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_getfd",
	"kcmp",
	"userfaultfd",
	"perf_event_open",
	"uselib",
	/* the kernel */
	"acct",
	"add_key",
	"bpf",
	"create_module",
	"delete_module",
	"finit_module",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"ioperm",
	"iopl",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"modify_ldt",
	"personality",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"swapoff",
	"swapon",
	"syslog",
	"_sysctl",
	"vm86",
	"vm86old",
	/* another view of the machine */
	"chroot",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"mount",
	"mount_setattr",
	"move_mount",
	"name_to_handle_at",
	"open_by_handle_at",
	"open_tree",
	"pivot_root",
	"setns",
	"umount",
	"umount2",
	"unshare",
	"clock_adjtime",
	"clock_settime",
	"settimeofday",
	"sethostname",
	"setdomainname",
	"stime",
	"vhangup",
	NULL,
};
