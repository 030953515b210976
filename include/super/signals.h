/* SPDX-License-Identifier: ISC */
/* Signals are read by descriptor; no handler does anything. */
#ifndef SUPER_SIGNALS_H
#define SUPER_SIGNALS_H

/*
 * Blocks the signals that supervisor and workers read by descriptor; before the first thread or
 * fork.
 */
void signals_block(void);

/* A non-blocking signalfd of all that are blocked, closed by exec; -1 with errno.  The caller's to close. */
int signals_open(void);

#endif
