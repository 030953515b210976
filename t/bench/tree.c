/* SPDX-License-Identifier: ISC */
/* Processor time and memory of a process and its descendants, from /proc. */
#include <dirent.h>
#include <unistd.h>

#include "bench/loadgen.h"

enum {
	TREE_PROCESSES_MAX = 4096,
	SETTLE_LOOK_US = 200 * 1000,
	REST_LOOK_US = 30 * 1000,
	LOOKS = 100,
	SETTLE_KIB = 64, /* a change that is none */
};

struct process {
	pid_t pid, parent;
	int64_t ticks;
	bool ours;
};

static bool
read_stat(pid_t pid, struct process *out)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	size_t len = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[len] = '\0';

	/* The name in parentheses may hold anything, a ')' too. */
	const char *rest = strrchr(text, ')');
	int parent;
	long long user, system, children_user, children_system;
	if (rest == NULL ||
		sscanf(rest, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld",
			&parent, &user, &system, &children_user, &children_system) != 5)
		return false;
	*out = (struct process){
		pid, (pid_t)parent, user + system + children_user + children_system, false};
	return true;
}

static size_t
read_processes(struct process *list, size_t room)
{
	size_t count = 0;
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		return 0;
	for (struct dirent *entry; count < room && (entry = readdir(proc)) != NULL;) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (*end == '\0' && pid > 0 && read_stat((pid_t)pid, &list[count]))
			count++;
	}
	closedir(proc);
	return count;
}

/* Marks the descendants of those marked; true when there were any. */
static bool
mark_children(struct process *list, size_t count)
{
	bool changed = false;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count && !list[i].ours; j++) {
			if (list[j].ours && list[j].pid == list[i].parent)
				list[i].ours = changed = true;
		}
	}
	return changed;
}

/* Its share of the memory: pages that several processes have count in parts. */
static uint64_t
read_memory_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "Pss: %llu", &kib) == 1)
			break;
	}
	fclose(file);
	return kib;
}

struct tree_usage
tree_read(pid_t root)
{
	static struct process list[TREE_PROCESSES_MAX]; /* only the main thread looks */
	struct tree_usage usage = {0};
	size_t count = read_processes(list, TREE_PROCESSES_MAX);

	for (size_t i = 0; i < count; i++)
		list[i].ours = list[i].pid == root;
	while (mark_children(list, count))
		continue;
	for (size_t i = 0; i < count; i++) {
		if (!list[i].ours)
			continue;
		usage.processes++;
		usage.cpu_us += list[i].ticks * 1000000 / sysconf(_SC_CLK_TCK);
		usage.memory_kib += read_memory_kib(list[i].pid);
	}
	return usage;
}

struct tree_usage
tree_settled(pid_t root)
{
	struct tree_usage usage = tree_read(root), before;
	int64_t change = SETTLE_KIB;
	for (int i = 0; i < LOOKS && llabs(change) >= SETTLE_KIB; i++) {
		usleep(SETTLE_LOOK_US);
		before = usage;
		usage = tree_read(root);
		change = (int64_t)(usage.memory_kib - before.memory_kib);
	}
	return usage;
}

struct tree_usage
tree_at_rest(pid_t root)
{
	struct tree_usage usage = tree_read(root);
	int64_t before = -1;
	for (int i = 0; i < LOOKS && usage.cpu_us != before; i++) {
		before = usage.cpu_us;
		usleep(REST_LOOK_US);
		usage = tree_read(root);
	}
	return usage;
}
