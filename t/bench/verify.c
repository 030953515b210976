/* SPDX-License-Identifier: ISC */
/*
 * The log file against the answers.  Every line of the file must be one whole record of this run;
 * then every record is asked whether it is where its answer says.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/loadgen.h"

enum { SHOWN_BYTES = 160, POLL_US = 1000 };

off_t
verify_start(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 ? status.st_size : 0;
}

int64_t
verify_await(const struct plan *plan, off_t from, uint64_t records)
{
	off_t wanted = from + (off_t)(records * record_file_bytes(&plan->shape));
	off_t size = from;
	int64_t grown_us = now_us(), now = grown_us;
	while (size < wanted && now - grown_us < (int64_t)plan->patience * MILLION) {
		usleep(POLL_US);
		off_t before = size;
		size = verify_start(plan->log);
		now = now_us();
		if (size > before)
			grown_us = now;
	}
	return grown_us;
}

/* The order is promised to who reads an answer before it sends anew, or stays connected. */
static bool
order_promised(const struct plan *plan)
{
	return !plan->no_answers || plan->per_connection == 0;
}

/* One line of the file; *next is the lowest number that its client may have now. */
static bool
check_line(const struct plan *plan, struct history *histories, uint64_t *next, const char *line,
	size_t len)
{
	size_t client;
	uint64_t number;
	int shown = len > SHOWN_BYTES ? SHOWN_BYTES : (int)len;

	if (!record_parse(plan, line, len, &client, &number) || client >= plan->clients ||
		number >= histories[client].numbered) {
		violation("not a record of this run (%zu bytes): %.*s", len, shown, line);
		return false;
	}
	uint8_t *fate = &histories[client].fates[number];
	if (*fate & FATE_SEEN)
		violation("record %" PRIu64 " of client %zu is there twice", number, client);
	else if (number < next[client] && order_promised(plan))
		violation("record %" PRIu64 " of client %zu stands behind its number %" PRIu64,
			number, client, next[client] - 1);
	else
		next[client] = number + 1;
	*fate |= FATE_SEEN;
	return true;
}

static uint64_t
check_lines(const struct plan *plan, struct history *histories, const char *at, const char *end)
{
	uint64_t found = 0;
	uint64_t *next = calloc(plan->clients, sizeof *next);
	if (next == NULL)
		err(EX_OSERR, "verify");
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL) {
			violation("the file ends without a newline, %zu bytes", (size_t)(end - at));
			break;
		}
		found += check_line(plan, histories, next, at, (size_t)(newline - at));
		at = newline + 1;
	}
	free(next);
	return found;
}

static void
check_fates(const struct history *history, size_t client)
{
	for (uint64_t number = 0; number < history->numbered; number++) {
		uint8_t fate = history->fates[number];
		if (fate == FATE_RECEIVED)
			violation("record %" PRIu64
				  " of client %zu was answered received and is lost",
				number, client);
		else if ((fate & FATE_SEEN) && fate > (FATE_RECEIVED | FATE_SEEN))
			violation("record %" PRIu64
				  " of client %zu was answered %s and is in the file",
				number, client, fate_name(fate & ~(unsigned)FATE_SEEN));
	}
}

uint64_t
verify_log(const struct plan *plan, struct history *histories, off_t from)
{
	uint64_t found = 0;
	int fd = open(plan->log, O_RDONLY | O_CLOEXEC);
	struct stat status = {0};

	if (fd >= 0 && fstat(fd, &status) != 0)
		err(EX_OSERR, "%s", plan->log);
	if (fd < 0 && errno != ENOENT)
		err(EX_NOINPUT, "%s", plan->log);
	if (status.st_size < from)
		violation("the file has shrunk to %jd bytes", (intmax_t)status.st_size);
	if (status.st_size > from) {
		off_t page = from / sysconf(_SC_PAGESIZE) * sysconf(_SC_PAGESIZE);
		size_t size = (size_t)(status.st_size - page);
		const char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, page);
		if (map == MAP_FAILED)
			err(EX_OSERR, "%s", plan->log);
		found = check_lines(plan, histories, map + (from - page), map + size);
		munmap((void *)(uintptr_t)map, size);
	}
	if (fd >= 0)
		close(fd);
	for (size_t client = 0; client < plan->clients; client++)
		check_fates(&histories[client], client);
	return found;
}
