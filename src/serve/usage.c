/* SPDX-License-Identifier: ISC */
/* Reads what the kernel tells a process of itself. */
#include "serve/usage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SHOW_MS = 1000 };

static int64_t
cpu_us(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_SELF, &usage) < 0)
		return 0;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* The second number of statm, in pages; 0 where no descriptor is left to read it. */
static uint64_t
resident_bytes(void)
{
	char text[128] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	const char *second = len > 0 ? strchr(text, ' ') : NULL;
	return second == NULL ? 0 : strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
usage_show(struct scoreboard *board, size_t slot, int64_t now_ms, int64_t *shown_ms)
{
	if (*shown_ms != 0 && now_ms - *shown_ms < SHOW_MS)
		return;
	*shown_ms = now_ms;
	scoreboard_set_usage(board, slot, cpu_us(), resident_bytes());
}
