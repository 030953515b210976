/* SPDX-License-Identifier: ISC */
/* Records with writer, number and length in front and a filling that only they have. */
#include "lib/ledger.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "lib/scratch.h"

enum { HEAD_BYTES = 15 }; /* "ww nnnn llllll " */

struct ledger *
ledger_new(void)
{
	void *memory = mmap(NULL, sizeof(struct ledger), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void
ledger_free(struct ledger *ledger)
{
	munmap(ledger, sizeof *ledger);
}

void
ledger_clear(struct ledger *ledger)
{
	for (size_t writer = 0; writer < LEDGER_WRITERS; writer++) {
		for (size_t i = 0; i < ledger->begun[writer]; i++)
			ledger->verdicts[writer][i] = LEDGER_OPEN;
		ledger->begun[writer] = 0;
	}
}

static void
put_record(char *out, size_t writer, size_t number, size_t bytes)
{
	char head[64];
	snprintf(head, sizeof head, "%02zu %04zu %06zu ", writer, number, bytes);
	memcpy(out, head, HEAD_BYTES);
	memset(out + HEAD_BYTES, 'a' + (int)((writer * 7 + number) % 26), bytes - HEAD_BYTES - 1);
	out[bytes - 1] = '\n';
}

struct slice
ledger_begin(struct ledger *ledger, size_t writer, size_t count, size_t bytes)
{
	size_t first = ledger->begun[writer];
	if (first + count > LEDGER_RECORDS)
		abort();
	char *data = malloc(count * bytes);
	if (data == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		put_record(data + i * bytes, writer, first + i, bytes);
	ledger->begun[writer] = first + count;
	return (struct slice){data, count * bytes};
}

void
ledger_end(struct ledger *ledger, size_t writer, size_t count, int result)
{
	size_t end = ledger->begun[writer];
	for (size_t i = end - count; i < end; i++)
		ledger->verdicts[writer][i] = result == 0 ? LEDGER_STORED : LEDGER_FAILED;
}

size_t
ledger_count(const struct ledger *ledger, enum ledger_verdict verdict)
{
	size_t count = 0;
	for (size_t writer = 0; writer < LEDGER_WRITERS; writer++) {
		for (size_t i = 0; i < ledger->begun[writer]; i++)
			count += ledger->verdicts[writer][i] == verdict;
	}
	return count;
}

/* Whether the line is a record that was ever tried, whole. */
static bool
is_record(const struct ledger *ledger, struct slice line, size_t *writer, size_t *number)
{
	size_t bytes;
	char head[HEAD_BYTES + 1] = "";
	if (line.len <= HEAD_BYTES)
		return false;
	/* A copy: sscanf() looks for the end of its whole input first. */
	memcpy(head, line.data, HEAD_BYTES);
	if (sscanf(head, "%zu %zu %zu ", writer, number, &bytes) != 3 || bytes != line.len + 1 ||
		*writer >= LEDGER_WRITERS || *number >= ledger->begun[*writer])
		return false;
	char *expected = malloc(bytes);
	put_record(expected, *writer, *number, bytes);
	bool same = memcmp(expected, line.data, line.len) == 0;
	free(expected);
	return same;
}

static size_t
complain(size_t *printed, const char *what, struct slice line)
{
	if ((*printed)++ < 5)
		printf("# %s: %.40s (%zu bytes)\n", what, line.data, line.len);
	return 1;
}

struct seen {
	unsigned char times[LEDGER_WRITERS][LEDGER_RECORDS];
	size_t next[LEDGER_WRITERS];
	size_t printed;
};

static size_t
check_line(const struct ledger *ledger, struct seen *seen, struct slice line)
{
	size_t writer, number;
	if (!is_record(ledger, line, &writer, &number))
		return complain(&seen->printed, "no record", line);
	if (seen->times[writer][number]++ > 0)
		return complain(&seen->printed, "twice", line);
	if (number < seen->next[writer])
		return complain(&seen->printed, "out of order", line);
	seen->next[writer] = number + 1;
	if (ledger->verdicts[writer][number] == LEDGER_FAILED)
		return complain(&seen->printed, "stored, but failed", line);
	return 0;
}

static size_t
check_missing(const struct ledger *ledger, const struct seen *seen)
{
	size_t missing = 0;
	for (size_t writer = 0; writer < LEDGER_WRITERS; writer++) {
		for (size_t i = 0; i < ledger->begun[writer]; i++)
			missing += ledger->verdicts[writer][i] == LEDGER_STORED &&
			           seen->times[writer][i] == 0;
	}
	if (missing > 0)
		printf("# %zu stored records are not there\n", missing);
	return missing;
}

size_t
ledger_check(const struct ledger *ledger, const char *path)
{
	size_t len = 0, wrong = 0;
	char *text = scratch_read(path, &len);
	struct seen *seen = calloc(1, sizeof *seen);
	for (char *at = text; at != NULL && at < text + len;) {
		char *end = memchr(at, '\n', (size_t)(text + len - at));
		if (end == NULL) {
			struct slice rest = {at, (size_t)(text + len - at)};
			wrong += complain(&seen->printed, "no newline at the end", rest);
			break;
		}
		wrong += check_line(ledger, seen, (struct slice){at, (size_t)(end - at)});
		at = end + 1;
	}
	wrong += check_missing(ledger, seen);
	free(seen);
	free(text);
	return wrong;
}
