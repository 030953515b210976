/* SPDX-License-Identifier: ISC */
/* The files of src/monitor/page, as they were when the program was built.  Constant data. */
#ifndef MONITOR_FILES_H
#define MONITOR_FILES_H

#include "base/slice.h"

struct slice files_index(void); /* a template: see monitor/html.h */
struct slice files_script(void);
struct slice files_style(void);

#endif
