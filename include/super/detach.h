/* SPDX-License-Identifier: ISC */
/*
 * Going into the background (-d) without losing the outcome: the program that the operator
 * started waits until the daemon serves or has failed, and exits with what became of it.
 */
#ifndef SUPER_DETACH_H
#define SUPER_DETACH_H

/*
 * Forks.  The parent never returns: it hands TERM and INT on, and exits with 0 once detach_ready() is called,
 * or with the child's status (EX_OSERR for 0 and for a signal) when that ends before.  Both are to be blocked.  In the child, the leader of a new session: a descriptor
 * for detach_ready().  -1 with errno when nothing was forked.
 */
int detach_begin(void);

/* Lets the parent go. */
void detach_ready(int fd);

/* Lets the terminal go: stdin, stdout and stderr become /dev/null.  Every process does it for itself. */
void detach_from_terminal(void);

#endif
