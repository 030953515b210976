/* SPDX-License-Identifier: ISC */
/* The figures as metrics, which the manual names.  One thread. */
#ifndef MONITOR_METRICS_H
#define MONITOR_METRICS_H

#include "monitor/exposition.h"
#include "monitor/watch.h"

/* Whether one who accepts this (the header, or NULL) wants OpenMetrics. */
bool metrics_wants_open(const char *accept);

/* Appends all of them.  0, or -1 with errno ENOMEM. */
int metrics_write(struct buf *out, bool open_metrics, const struct look *look);

#endif
