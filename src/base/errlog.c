/* SPDX-License-Identifier: ISC */
/* Writes the daemon's own messages to stderr, a file or syslog. */
#include "base/errlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum target { TO_STDERR, TO_JOURNAL, TO_SYSLOG, TO_FILE };

/*
 * Threads may be writing while the target changes, so the file's descriptor, once there is one, keeps its
 * number for good: another file takes its place, and no text ends up in a stranger's descriptor.
 */
static struct {
	_Atomic enum target target;
	_Atomic int file;
	_Atomic enum errlog_level level;
} sink = {.file = -1, .level = ERRLOG_INFO};

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[ERRLOG_ERROR] = {"error", LOG_ERR},
	[ERRLOG_WARN] = {"warning", LOG_WARNING},
	[ERRLOG_INFO] = {"info", LOG_INFO},
	[ERRLOG_DEBUG] = {"debug", LOG_DEBUG},
};

void
errlog_adopt(int fd)
{
	if (sink.file < 0) {
		sink.file = fd;
	} else {
		dup3(fd, sink.file, O_CLOEXEC);
		close(fd);
	}
	sink.target = TO_FILE;
}

/* As systemd.exec(5) says it: device and inode. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];
	struct stat st;
	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, text) == 0;
}

int
errlog_open(const char *target)
{
	if (strcmp(target, "stderr") == 0) {
		sink.target = stderr_is_journal() ? TO_JOURNAL : TO_STDERR;
		return 0;
	}
	if (strcmp(target, "syslog") == 0) {
		openlog("logcollectd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
		sink.target = TO_SYSLOG;
		return 0;
	}
	/* A pipe that nobody reads: not to be waited for, now or when it is full. */
	int fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (fd < 0)
		return -1;
	errlog_adopt(fd);
	return 0;
}

int
errlog_descriptor(void)
{
	return sink.target == TO_FILE ? sink.file : -1;
}

void
errlog_set_level(enum errlog_level level)
{
	sink.level = level;
}

static void
hide_controls(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
	}
}

/* A zoned time needs no lock this way: the daemon speaks UTC. */
static int
put_prefix(char *line, size_t size, enum errlog_level level)
{
	struct timespec now;
	struct tm tm;
	if (sink.target == TO_JOURNAL)
		return snprintf(line, size, "<%d>", levels[level].priority);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	return (int)len + snprintf(line + len, size - len,
				  ".%03ldZ logcollectd[%d] %s: ", now.tv_nsec / 1000000,
				  (int)getpid(), levels[level].name);
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum errlog_level level, const char *format, va_list args)
{
	if (level > sink.level)
		return;
	int saved = errno;
	char line[ERRLOG_LINE_MAX];
	int prefix = put_prefix(line, sizeof line, level);
	errno = saved;
	int len = vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, args);
	hide_controls(line + prefix);
	if (sink.target == TO_SYSLOG) {
		syslog(levels[level].priority, "%s", line + prefix);
	} else if (len >= 0) {
		size_t used = strlen(line);
		line[used++] = '\n';
		/* There is nobody left to tell when this fails. */
		ssize_t ignored = write(
			sink.target == TO_FILE ? sink.file : STDERR_FILENO, line, used);
		(void)ignored;
	}
	errno = saved;
}

#define ERRLOG_FUNCTION(name, level)                                                               \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		write_line(level, format, args);                                                   \
		va_end(args);                                                                      \
	}

ERRLOG_FUNCTION(errlog_error, ERRLOG_ERROR)
ERRLOG_FUNCTION(errlog_warn, ERRLOG_WARN)
ERRLOG_FUNCTION(errlog_info, ERRLOG_INFO)
ERRLOG_FUNCTION(errlog_debug, ERRLOG_DEBUG)
