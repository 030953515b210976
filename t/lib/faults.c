/* SPDX-License-Identifier: ISC */
/* The linker gives us the store's system calls (--wrap); we pass them on, or do not. */
#include "lib/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	_Atomic int fault, error, nth, span;
	atomic_int seen, calls[FAULT_CALLS];
	void (*on_sync)(void);
	_Atomic int linger_us;
} plan;

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
int __real_ftruncate(int fd, off_t length);
int __real_fdatasync(int fd);
int __real_flock(int fd, int operation);
int __real_fstat(int fd, struct stat *st);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
int __real_openat(int folder, const char *name, int flags, ...);
int __real_fstatat(int folder, const char *name, struct stat *st, int flags);
int __real_renameat(int old_folder, const char *old, int new_folder, const char *new);
int __real_unlinkat(int folder, const char *name, int flags);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_fdatasync(int fd);
int __wrap_flock(int fd, int operation);
int __wrap_fstat(int fd, struct stat *st);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
int __wrap_openat(int folder, const char *name, int flags, ...);
int __wrap_fstatat(int folder, const char *name, struct stat *st, int flags);
int __wrap_renameat(int old_folder, const char *old, int new_folder, const char *new);
int __wrap_unlinkat(int folder, const char *name, int flags);

void
faults_set(enum fault fault, int error, int nth, int span)
{
	plan.fault = FAULT_NONE;
	plan.seen = 0;
	for (int i = 0; i < FAULT_CALLS; i++)
		plan.calls[i] = 0;
	plan.error = error;
	plan.nth = nth;
	plan.span = span;
	plan.fault = (int)fault;
}

void
faults_clear(void)
{
	faults_set(FAULT_NONE, 0, 0, 0);
}

int
faults_seen(void)
{
	return plan.seen;
}

int
faults_calls(enum fault_call call)
{
	return plan.calls[call];
}

void
faults_on_sync(void (*hook)(void))
{
	plan.on_sync = hook;
}

/* What is to happen to this call. */
static enum fault
turn(enum fault_call call)
{
	int number = ++plan.seen;
	plan.calls[call]++;
	int nth = plan.nth;
	if (number < nth || number - nth >= plan.span)
		return FAULT_NONE;
	enum fault fault = (enum fault)(int)plan.fault;
	/* The other calls are never interrupted. */
	bool steady = call != FAULT_WRITEV && call != FAULT_FTRUNCATE && call != FAULT_FDATASYNC &&
	              call != FAULT_FLOCK;
	return steady && fault == FAULT_ERROR && plan.error == EINTR ? FAULT_NONE : fault;
}

static void
die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Whether a call that cannot be halved is to fail; dies where that is told. */
static bool
refuse(enum fault fault)
{
	if (fault == FAULT_DIE_BEFORE || fault == FAULT_DIE_HALF)
		die();
	if (fault != FAULT_ERROR && fault != FAULT_HALF_ERROR)
		return false;
	errno = plan.error;
	return true;
}

static void
done(enum fault fault)
{
	if (fault == FAULT_DIE_AFTER)
		die();
}

/* Half of the first buffer, or the first half of the buffers. */
static ssize_t
write_half(int fd, const struct iovec *iov, int count)
{
	struct iovec first = {iov->iov_base, (iov->iov_len + 1) / 2};
	return count > 1 ? __real_writev(fd, iov, count / 2) : __real_writev(fd, &first, 1);
}

ssize_t
__wrap_writev(int fd, const struct iovec *iov, int count)
{
	enum fault fault = turn(FAULT_WRITEV);
	ssize_t n = 0;
	if (fault == FAULT_SHORT || fault == FAULT_HALF_ERROR || fault == FAULT_DIE_HALF)
		n = write_half(fd, iov, count);
	if (fault == FAULT_SHORT)
		return n;
	if (refuse(fault))
		return -1;
	n = __real_writev(fd, iov, count);
	done(fault);
	return n;
}

int
__wrap_ftruncate(int fd, off_t length)
{
	enum fault fault = turn(FAULT_FTRUNCATE);
	if (refuse(fault))
		return -1;
	int result = __real_ftruncate(fd, length);
	done(fault);
	return result;
}

int
__wrap_fdatasync(int fd)
{
	enum fault fault = turn(FAULT_FDATASYNC);
	if (plan.on_sync != NULL)
		plan.on_sync();
	if (refuse(fault))
		return -1;
	int result = __real_fdatasync(fd);
	done(fault);
	return result;
}

int
__wrap_flock(int fd, int operation)
{
	enum fault fault = turn(FAULT_FLOCK);
	/* A lock that is kept for good is no fault that a kernel has. */
	if (operation == LOCK_UN && (fault == FAULT_ERROR || fault == FAULT_HALF_ERROR) &&
		plan.error != EINTR)
		(void)__real_flock(fd, operation);
	if (refuse(fault))
		return -1;
	int result = __real_flock(fd, operation);
	done(fault);
	return result;
}

int
__wrap_fstat(int fd, struct stat *st)
{
	enum fault fault = turn(FAULT_FSTAT);
	if (refuse(fault))
		return -1;
	int result = __real_fstat(fd, st);
	done(fault);
	return result;
}

ssize_t
__wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	enum fault fault = turn(FAULT_PREAD);
	if (refuse(fault))
		return -1;
	ssize_t n = __real_pread(fd, data, size, offset);
	done(fault);
	return n;
}

int
__wrap_openat(int folder, const char *name, int flags, ...)
{
	enum fault fault = turn(FAULT_OPENAT);
	va_list arguments;
	va_start(arguments, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (refuse(fault))
		return -1;
	int fd = __real_openat(folder, name, flags, mode);
	done(fault);
	return fd;
}

int
__wrap_fstatat(int folder, const char *name, struct stat *st, int flags)
{
	enum fault fault = turn(FAULT_FSTATAT);
	if (refuse(fault))
		return -1;
	int result = __real_fstatat(folder, name, st, flags);
	done(fault);
	return result;
}

int
__wrap_renameat(int old_folder, const char *old, int new_folder, const char *new)
{
	enum fault fault = turn(FAULT_RENAMEAT);
	if (refuse(fault))
		return -1;
	int result = __real_renameat(old_folder, old, new_folder, new);
	done(fault);
	return result;
}

int
__wrap_unlinkat(int folder, const char *name, int flags)
{
	enum fault fault = turn(FAULT_UNLINKAT);
	if (refuse(fault))
		return -1;
	int result = __real_unlinkat(folder, name, flags);
	done(fault);
	return result;
}

void
faults_linger(int us)
{
	plan.linger_us = us;
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	int result = __real_pthread_mutex_unlock(mutex);
	int us = plan.linger_us;
	if (us > 0 && arc4random_uniform(2) == 0)
		usleep(arc4random_uniform((uint32_t)us));
	return result;
}
