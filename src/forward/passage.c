/* SPDX-License-Identifier: ISC */
/* Lists, enters and leaves segments.  The end of one is decided under its flock. */
#include "forward/passage.h"

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "forward/account.h"
#include "store/done.h"

enum { LEFT_MS = 3000 }; /* a spool that is not used any more is left after that */

int
passage_trouble(struct shipper *shipper, const char *what)
{
	if (shipper->error != errno)
		errlog_error("Forward: %s: %s", what, strerror(errno));
	shipper->error = errno;
	atomic_store(&shipper->shipping->state, SHIPPING_SPOOL);
	return PASSAGE_TROUBLE_MS;
}

int
passage_note(struct shipper *shipper)
{
	if (checkpoint_write(shipper->spool, &shipper->at) != 0)
		return passage_trouble(shipper, "cannot write the checkpoint");
	shipper->noted = true;
	return PASSAGE_GO_ON;
}

const struct segment *
passage_next(const struct shipper *shipper, uint64_t number)
{
	for (size_t i = 0; i < shipper->segments.count; i++) {
		if (shipper->segments.items[i].number > number)
			return &shipper->segments.items[i];
	}
	return NULL;
}

int
passage_list(struct shipper *shipper, int64_t now_ms)
{
	struct stat st;
	if (shipper->listed_ms != 0 && now_ms - shipper->listed_ms < PASSAGE_LIST_MS)
		return PASSAGE_GO_ON;
	if (fstat(shipper->spool, &st) == 0 && st.st_nlink == 0) {
		shipper->gone = true;
		errno = ENOENT;
		return passage_trouble(
			shipper, "ForwardSpool was removed, with all that was not forwarded");
	}
	if (spool_list(shipper->spool, &shipper->segments) != 0)
		return passage_trouble(shipper, "cannot read ForwardSpool");
	uint64_t there;
	shipper->moved = spool_identity_at(shipper->path, &there) != 0 ? errno == ENOENT
	                                                               : there != shipper->spool_id;
	shipper->listed_ms = now_ms;
	account_run(shipper);
	return PASSAGE_GO_ON;
}

/* What is left of the segment is not to be shipped. */
static void
give_up(struct shipper *shipper)
{
	tail_close(&shipper->tail);
	/* With nothing on its way the connection is as good for the next one. */
	if (shipper->courier.published)
		courier_give_up(&shipper->courier);
	buf_clear(&shipper->bytes);
	shipper->at.end = shipper->at.start;
}

/* Everything before the segment is confirmed, or given up. */
static void
enter(struct shipper *shipper, const struct segment *segment)
{
	account_left(shipper);
	give_up(shipper);
	shipper->at = (struct checkpoint){
		.segment = *segment, .start = segment->start, .end = segment->start};
	strlcpy(shipper->at.node, shipper->node, sizeof shipper->at.node);
	shipper->noted = shipper->asked = false;
	account_position(shipper);
}

/* Nothing is in the spool.  A writer's file that somebody has taken out of it is linked again by its next append. */
static void
wait_for_next(struct shipper *shipper)
{
	if (!shipper->asked)
		mark_count_all(shipper->mark);
	shipper->asked = true;
	account_idle(shipper);
}

/* Another spool may have had a link to the file, and shipped more of it. */
static void
catch_up(struct shipper *shipper)
{
	int heir = shipper->at.end > shipper->at.start ? -1 : spool_open(shipper->heir);
	if (heir < 0)
		return;
	int64_t start = done_find_since(heir, &shipper->tail.identity, shipper->at.segment.number);
	close(heir);
	if (start <= shipper->at.start)
		return;
	shipper->at.start = shipper->at.end = start;
	shipper->noted = false;
}

int
passage_open(struct shipper *shipper)
{
	const struct segment *next = passage_next(shipper, shipper->at.segment.number);
	if (shipper->tail.fd >= 0)
		return PASSAGE_GO_ON;
	if (shipper->at.segment.number != 0 && tail_open(&shipper->tail, shipper->spool,
						       &shipper->at.segment, shipper->mark) == 0) {
		catch_up(shipper);
		account_position(shipper);
		return PASSAGE_GO_ON;
	}
	if (shipper->at.segment.number != 0 && errno != ENOENT)
		return passage_trouble(shipper, "cannot open a segment of ForwardSpool");
	if (shipper->at.end > shipper->at.start)
		errlog_error("Forward: segment %s is gone from the spool, and a batch on its way "
			     "with it",
			shipper->at.segment.name);
	give_up(shipper);
	account_left(shipper);
	if (next == NULL)
		return wait_for_next(shipper), PASSAGE_LIST_MS;
	enter(shipper, next);
	return 0;
}

/* The spool that writers use now; -1: it is this one, or cannot be had. */
static int
other_heir(const struct shipper *shipper)
{
	return shipper->moved || strcmp(shipper->path, shipper->heir) != 0
	               ? spool_open(shipper->heir)
	               : -1;
}

/* Its new number is behind that by which the heir knows it was emptied, so that this is heard once. */
static int
renew(const struct shipper *shipper, struct segment *segment)
{
	int heir = other_heir(shipper);
	int result = heir < 0 ? 0 : spool_inherit(shipper->spool, heir);
	int saved = errno;
	if (heir >= 0)
		close(heir);
	errno = saved;
	return result != 0 ? -1 : spool_renew(shipper->spool, &shipper->tail.identity, segment);
}

int
passage_begin_again(struct shipper *shipper)
{
	struct segment segment = shipper->at.segment;
	int64_t size;
	if (tail_lock(&shipper->tail, &size) < 0)
		return errno == EWOULDBLOCK ? PASSAGE_BUSY_MS
		                            : passage_trouble(shipper, "cannot lock a segment");
	errlog_error("Forward: %s, of which %" PRId64 " bytes were sent, has %" PRId64
		     " and others: it was truncated (copytruncate?), what was cut off "
		     "before it was sent is lost; forwarding goes on at its first byte",
		segment.name, shipper->at.end, size);
	account_left(shipper);
	/* Before the link has another name: whoever writes next looks for it. */
	mark_count_rotation(shipper->mark, shipper->tail.identity.file);
	int result = renew(shipper, &segment);
	if (result == 0 || errno == ENOENT)
		result = spool_list(shipper->spool, &shipper->segments);
	if (result != 0)
		result = passage_trouble(shipper, "cannot begin a new segment");
	tail_unlock(&shipper->tail);
	const struct segment *next = passage_next(shipper, shipper->at.segment.number);
	if (result == 0 && next == NULL)
		return give_up(shipper),
		       PASSAGE_LIST_MS; /* somebody has removed the link as well */
	if (result == 0)
		enter(shipper, next);
	return result;
}

/* Who notices it gives the link that he has another number. */
bool
passage_was_emptied(const struct shipper *shipper)
{
	if (!spool_has(shipper->spool, &shipper->at.segment) &&
		spool_renewed(shipper->spool, &shipper->at.segment))
		return true;
	int heir = other_heir(shipper);
	if (heir < 0)
		return false;
	bool emptied = done_emptied_since(
		heir, &shipper->tail.identity, shipper->at.segment.number);
	close(heir);
	return emptied;
}

/* Removes the link.  0, or -1 with errno. */
static int
let_go(const struct shipper *shipper, int64_t end)
{
	uint64_t there;
	int heir = spool_open(shipper->heir);
	if (heir < 0)
		return -1;
	bool other = spool_identity(heir, &there) == 0 && there != shipper->spool_id;
	int result = spool_release(shipper->spool, other ? heir : -1, &shipper->at.segment,
		&shipper->tail.identity, end);
	int saved = errno;
	close(heir);
	errno = saved;
	return result;
}

/* Nothing is left in the segment: done with it, unless a writer was quicker. */
static int
release(struct shipper *shipper)
{
	/* Who comes after us is not to look for it. */
	int noted = shipper->noted ? PASSAGE_GO_ON : passage_note(shipper);
	if (noted != PASSAGE_GO_ON)
		return noted;
	int64_t size, end = tail_lock(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? PASSAGE_BUSY_MS
		                            : passage_trouble(shipper, "cannot lock a segment");
	if (end > shipper->at.end) {
		tail_unlock(&shipper->tail);
		return 0;
	}
	if (passage_was_emptied(shipper)) {
		tail_unlock(&shipper->tail);
		return passage_begin_again(shipper);
	}
	/* Before the link is gone: whoever writes next looks for it. */
	mark_count_rotation(shipper->mark, shipper->tail.identity.file);
	int result = let_go(shipper, end) == 0
	                     ? PASSAGE_GO_ON
	                     : passage_trouble(shipper, "cannot remove a segment from the spool");
	tail_unlock(&shipper->tail);
	return result;
}

int
passage_leave(struct shipper *shipper)
{
	int result = release(shipper);
	if (result != PASSAGE_GO_ON)
		return result;
	enter(shipper, passage_next(shipper, shipper->at.segment.number));
	return 0;
}

bool
shipper_finish(struct shipper *shipper)
{
	if (shipper->tail.fd < 0)
		return shipper->listed_ms != 0 && shipper->segments.count == 0;
	return shipper->idle_ms != 0 && clock_mono_ms() - shipper->idle_ms >= LEFT_MS &&
	       release(shipper) == PASSAGE_GO_ON;
}

/* How far the file was shipped, for the other spool where it has a link.  Whether it was noted. */
static bool
note_for_next(struct shipper *shipper)
{
	int64_t size;
	if (tail_lock(&shipper->tail, &size) < 0)
		return false;
	bool noted = !passage_was_emptied(shipper) &&
	             spool_note(shipper->spool, &shipper->tail.identity, shipper->at.end) == 0;
	tail_unlock(&shipper->tail);
	return noted;
}

bool
shipper_yield(struct shipper *shipper, const char *next)
{
	struct segments segments = {0};
	if (shipper->tail.fd < 0 || shipper->bytes.len > 0 || shipper->at.end > shipper->at.start)
		return false;
	int spool = spool_open(next);
	bool newer = spool >= 0 && spool_list(spool, &segments) == 0 &&
	             (segments.count == 0 || segments.items[0].number < shipper->at.segment.number);
	spool_free(&segments);
	if (spool >= 0)
		close(spool);
	return newer && note_for_next(shipper);
}
