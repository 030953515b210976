/* SPDX-License-Identifier: ISC */
/*
 * The daemon's own messages (ErrorLog, LogLevel): what an operator reads, never
 * what clients send.  One line is one write(2) of at most ERRLOG_LINE_MAX bytes,
 * so lines of several processes and threads do not mix.  Control characters in
 * arguments are written as `?`.
 *
 * This is the only mutable global of the program, inherited over fork.  The writing functions are
 * thread-safe and keep errno; the target is changed by one thread, while others may write.
 */
#ifndef BASE_ERRLOG_H
#define BASE_ERRLOG_H

enum { ERRLOG_LINE_MAX = 2048 };

enum errlog_level {
	ERRLOG_ERROR,
	ERRLOG_WARN,
	ERRLOG_INFO,
	ERRLOG_DEBUG,
};

/*
 * Sends messages to "stderr", "syslog" or the file at the path (created 0640,
 * appended to).  0, or -1 with errno when the file cannot be opened; messages
 * then go where they went before.  Nobody waits for who reads a pipe there: ENXIO when it is not open yet, and what
 * does not fit is lost.  Where stderr is the journal's (JOURNAL_STREAM), which knows time and process itself, a
 * line there begins with its severity as sd-daemon(3) has it.
 */
int errlog_open(const char *target);

/* The descriptor of the file that messages go to, or -1 where it is stderr or syslog. */
int errlog_descriptor(void);

/* Sends messages to an open file, which is errlog's from now on. */
void errlog_adopt(int fd);

/* Messages less severe than this are dropped; the default is ERRLOG_INFO. */
void errlog_set_level(enum errlog_level level);

/* Each appends one line: time, program[pid], severity, text.  No newline in the format. */
void errlog_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void errlog_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void errlog_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void errlog_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
