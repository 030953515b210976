/* SPDX-License-Identifier: ISC */
/*
 * Going into the background (-d) without losing the outcome: the program that the operator
 * started waits until the daemon serves or has failed, and exits with what became of it.
 */
#ifndef SUPER_DETACH_H
#define SUPER_DETACH_H

/*
 * Forks.  The parent never returns: it exits with 0 once detach_ready() is called, or with the
 * child's status when that ends before.  In the child, the leader of a new session: a descriptor
 * for detach_ready().  -1 with errno when nothing was forked.
 */
int detach_begin(void);

/* Lets the parent go, and the terminal: stdin, stdout and stderr become /dev/null. */
void detach_ready(int fd);

#endif
