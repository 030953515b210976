/* SPDX-License-Identifier: ISC */
/*
 * Two lines, each in a block of its own, written in turn: node segment start end turn checksum.  A line that was torn is
 * not believed, and the other one is from before.  Written over, as a new file is a journal's commit, or two, of all that others
 * have written, for each batch.
 */
#include "forward/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/siphash.h"

enum { LINES = 2, LINE_BYTES = 512, APART = 4096, FILE_BYTES = APART + LINE_BYTES };

#define CHECKPOINT "checkpoint"

/* The line of that turn, and zeros. */
static void
put_line(const struct checkpoint *checkpoint, uint64_t turn, char line[LINE_BYTES])
{
	static const struct siphash_key key;
	memset(line, 0, LINE_BYTES);
	int len = snprintf(line, LINE_BYTES, "%s %s %" PRId64 " %" PRId64 " %" PRIu64 " ",
		checkpoint->node, checkpoint->segment.name, checkpoint->start, checkpoint->end,
		turn);
	snprintf(line + len, (size_t)(LINE_BYTES - len), "%016" PRIx64 "\n",
		siphash(&key, line, (size_t)len));
}

/* Its turn; 0: it is none. */
static uint64_t
parse(const char line[LINE_BYTES], struct checkpoint *out)
{
	struct checkpoint read = {.start = 0};
	char name[SPOOL_NAME_BYTES], again[LINE_BYTES];
	uint64_t turn;
	if (sscanf(line, "%127s %79s %" SCNd64 " %" SCNd64 " %" SCNu64, read.node, name,
		    &read.start, &read.end, &turn) != 5 ||
		!engine_is_node(read.node) || !spool_read_name(name, &read.segment) ||
		read.start < read.segment.start || read.end < read.start)
		return 0;
	put_line(&read, turn, again);
	if (memcmp(line, again, LINE_BYTES) != 0)
		return 0;
	*out = read;
	return turn;
}

/* 0 and the turn of the newest, 0 where there is none; or -1 with errno. */
static int
find_newest(int file, uint64_t *newest, struct checkpoint *out)
{
	*newest = 0;
	for (int i = 0; i < LINES; i++) {
		char line[LINE_BYTES + 1] = "";
		struct checkpoint read;
		if (pread(file, line, LINE_BYTES, (off_t)i * APART) < 0)
			return -1;
		uint64_t turn = parse(line, &read);
		if (turn <= *newest)
			continue;
		*newest = turn;
		*out = read;
	}
	return 0;
}

/* The file and the newest turn in it; or -1 with errno. */
static int
open_file(int spool, int how, uint64_t *newest, struct checkpoint *out)
{
	int file = openat(spool, CHECKPOINT, how | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file < 0 || find_newest(file, newest, out) == 0)
		return file;
	int saved = errno;
	close(file);
	errno = saved;
	return -1;
}

int
checkpoint_read(int spool, struct checkpoint *out)
{
	uint64_t newest;
	*out = (struct checkpoint){.start = 0};
	int file = open_file(spool, O_RDONLY, &newest, out);
	if (file < 0)
		return -1;
	close(file);
	if (newest != 0)
		return 0;
	errno = EBADMSG;
	return -1;
}

static int
make_file(int spool, const struct checkpoint *checkpoint)
{
	char text[FILE_BYTES] = "";
	put_line(checkpoint, LINES, text);
	return spool_write_file(spool, CHECKPOINT, text, sizeof text);
}

static int
write_line(int file, uint64_t turn, const struct checkpoint *checkpoint)
{
	char line[LINE_BYTES];
	put_line(checkpoint, turn, line);
	ssize_t n = pwrite(file, line, sizeof line, (off_t)(turn % LINES) * APART);
	if (n == sizeof line)
		return fdatasync(file);
	if (n >= 0)
		errno = EIO;
	return -1;
}

int
checkpoint_write(int spool, const struct checkpoint *checkpoint)
{
	uint64_t newest = 0;
	struct checkpoint old;
	int file = open_file(spool, O_RDWR, &newest, &old);
	if (file < 0 && errno != ENOENT)
		return -1;
	int result = file < 0 || newest == 0 ? make_file(spool, checkpoint)
	                                     : write_line(file, newest + 1, checkpoint);
	int saved = errno;
	if (file >= 0)
		close(file);
	errno = saved;
	return result;
}

const char *
checkpoint_id(const struct checkpoint *checkpoint, char id[static CHECKPOINT_ID_BYTES])
{
	snprintf(id, CHECKPOINT_ID_BYTES, "%s.%s.%" PRId64 "-%" PRId64, checkpoint->node,
		checkpoint->segment.name, checkpoint->start, checkpoint->end);
	return id;
}
