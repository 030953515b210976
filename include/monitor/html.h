/* SPDX-License-Identifier: ISC */
/* The figures as HTML, for the page's template.  Pure but for the heap. */
#ifndef MONITOR_HTML_H
#define MONITOR_HTML_H

#include "base/buf.h"
#include "monitor/watch.h"

/*
 * Appends the template with the figures in the place of its `<!--figures-->`: dl#daemon and the tables verdicts, workers
 * and addresses.  Whatever a text holds, it is text.  0, or -1 with errno ENOMEM.
 */
int html_page(struct buf *out, struct slice template, const struct look *look);

#endif
