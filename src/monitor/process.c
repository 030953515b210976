/* SPDX-License-Identifier: ISC */
/* Reads /proc. */
#include "monitor/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STAT_BYTES = 1024 };

/* Its line, from behind the name on, which may hold anything; NULL: there is none. */
static const char *
read_stat(pid_t pid, char text[static STAT_BYTES])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return NULL;
	size_t len = fread(text, 1, STAT_BYTES - 1, file);
	fclose(file);
	text[len] = '\0';
	const char *end = strrchr(text, ')');
	return end == NULL ? NULL : end + 1;
}

int
process_read(pid_t pid, struct process *process)
{
	char text[STAT_BYTES];
	uint64_t user, system, virtual_bytes;
	int64_t pages;
	double ticks = (double)sysconf(_SC_CLK_TCK);
	const char *line = read_stat(pid, text);
	if (line == NULL || sscanf(line,
				    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
				    " %" SCNu64 " %*d %*d %*d %*d %*d %*d %*u %" SCNu64 " %" SCNd64,
				    &user, &system, &virtual_bytes, &pages) != 4)
		return -1;
	*process = (struct process){
		.cpu_s = (double)(user + system) / ticks,
		.resident_bytes = (uint64_t)(pages * sysconf(_SC_PAGESIZE)),
		.virtual_bytes = virtual_bytes,
	};
	return 0;
}

uint64_t
process_descriptors(void)
{
	uint64_t count = 0;
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - 1; /* but for the one that looks */
}
