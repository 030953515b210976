/* SPDX-License-Identifier: ISC */
/* One line: node segment start end. */
#include "forward/checkpoint.h"

#include <errno.h>
#include <inttypes.h>

enum { LINE_MAX_BYTES = 512 };

#define CHECKPOINT "checkpoint"

static bool
parse(const char *line, struct checkpoint *out)
{
	struct checkpoint read = {.start = 0};
	char name[SPOOL_NAME_BYTES], newline = 0;
	if (sscanf(line, "%127s %79s %" SCNd64 " %" SCNd64 "%c", read.node, name, &read.start,
		    &read.end, &newline) != 5 ||
		newline != '\n')
		return false;
	if (!engine_is_node(read.node) || !spool_read_name(name, &read.segment) ||
		read.start < read.segment.start || read.end < read.start)
		return false;
	*out = read;
	return true;
}

int
checkpoint_read(int spool, struct checkpoint *out)
{
	char line[LINE_MAX_BYTES];
	*out = (struct checkpoint){.start = 0};
	if (spool_read_file(spool, CHECKPOINT, line, sizeof line) < 0)
		return -1;
	if (parse(line, out))
		return 0;
	errno = EBADMSG;
	return -1;
}

int
checkpoint_write(int spool, const struct checkpoint *checkpoint)
{
	char line[LINE_MAX_BYTES];
	int len = snprintf(line, sizeof line, "%s %s %" PRId64 " %" PRId64 "\n", checkpoint->node,
		checkpoint->segment.name, checkpoint->start, checkpoint->end);
	return spool_write_file(spool, CHECKPOINT, line, (size_t)len);
}

const char *
checkpoint_id(const struct checkpoint *checkpoint, char id[static CHECKPOINT_ID_BYTES])
{
	snprintf(id, CHECKPOINT_ID_BYTES, "%s.%s.%" PRId64 "-%" PRId64, checkpoint->node,
		checkpoint->segment.name, checkpoint->start, checkpoint->end);
	return id;
}
