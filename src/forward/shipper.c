/* SPDX-License-Identifier: ISC */
/*
 * One step: look at the spool; choose what is next; note it; carry it; note that it was.  The end of a segment is decided under its flock.
 */
#include "forward/shipper.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "forward/account.h"

enum {
	LOCK_MODE = 0640,
	LIST_MS = 200,       /* so often the spool is looked through */
	NOTE_IDLE_MS = 1000, /* with nothing to do for so long, what was confirmed is noted, */
	LEFT_MS = 3000,      /* and a spool that is not used any more is left */
	BUSY_MS = 1,         /* a writer has the lock */
	TROUBLE_MS = 1000,
};

/* Whether to go on, and when not, for how long not. */
enum { GO_ON = -1 };

static int
trouble(struct shipper *shipper, const char *what)
{
	if (shipper->error != errno)
		errlog_error("Forward: %s: %s", what, strerror(errno));
	shipper->error = errno;
	atomic_store(&shipper->shipping->state, SHIPPING_SPOOL);
	return TROUBLE_MS;
}

/* -1 with errno. */
static int
take_lock(struct shipper *shipper)
{
	shipper->lock = openat(
		shipper->spool, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
	return shipper->lock < 0 ? -1 : flock(shipper->lock, LOCK_EX | LOCK_NB);
}

/* What cannot be read is not believed: all that is in the spool goes out once more, rather than not at all. */
static int
read_checkpoint(struct shipper *shipper)
{
	if (checkpoint_read(shipper->spool, &shipper->at) == 0) {
		shipper->noted = true;
		return 0;
	}
	if (errno == EBADMSG)
		errlog_error("Forward: the checkpoint is spoiled: the whole spool is sent again, "
			     "under other ids where batches are cut otherwise");
	return errno == EBADMSG || errno == ENOENT ? 0 : -1;
}

int
shipper_open(struct shipper *shipper, const char *spool, const char *node,
	struct logfile_mark *mark, struct shipping *shipping, const struct forward_driver *driver,
	const struct forward_target *target)
{
	*shipper = (struct shipper){
		.lock = -1, .node = node, .mark = mark, .shipping = shipping, .tail = {.fd = -1}};
	courier_init(&shipper->courier, driver, target);
	shipper->spool = spool_open(spool);
	if (shipper->spool >= 0 && spool_identity(shipper->spool, &shipper->spool_id) == 0 &&
		take_lock(shipper) == 0 && read_checkpoint(shipper) == 0)
		return 0;
	int saved = errno;
	shipper_close(shipper);
	errno = saved;
	return -1;
}

static int
note(struct shipper *shipper)
{
	if (checkpoint_write(shipper->spool, &shipper->at) != 0)
		return trouble(shipper, "cannot write the checkpoint");
	shipper->noted = true;
	return GO_ON;
}

void
shipper_close(struct shipper *shipper)
{
	courier_give_up(&shipper->courier);
	if (shipper->at.segment.number != 0 && !shipper->noted)
		(void)note(shipper);
	tail_close(&shipper->tail);
	spool_free(&shipper->segments);
	buf_fini(&shipper->bytes);
	if (shipper->lock >= 0)
		close(shipper->lock);
	if (shipper->spool >= 0)
		close(shipper->spool);
	shipper->lock = shipper->spool = -1;
}

/* The first segment behind that number, or NULL. */
static const struct segment *
next_segment(const struct shipper *shipper, uint64_t number)
{
	for (size_t i = 0; i < shipper->segments.count; i++) {
		if (shipper->segments.items[i].number > number)
			return &shipper->segments.items[i];
	}
	return NULL;
}

static int
list(struct shipper *shipper, int64_t now_ms)
{
	struct stat st;
	if (shipper->listed_ms != 0 && now_ms - shipper->listed_ms < LIST_MS)
		return GO_ON;
	if (fstat(shipper->spool, &st) == 0 && st.st_nlink == 0) {
		shipper->gone = true;
		errno = ENOENT;
		return trouble(
			shipper, "ForwardSpool was removed, with all that was not forwarded");
	}
	if (spool_list(shipper->spool, &shipper->segments) != 0)
		return trouble(shipper, "cannot read ForwardSpool");
	shipper->listed_ms = now_ms;
	account_run(shipper);
	return GO_ON;
}

/* What is left of the segment is not to be shipped. */
static void
give_up(struct shipper *shipper)
{
	tail_close(&shipper->tail);
	courier_give_up(&shipper->courier);
	buf_clear(&shipper->bytes);
	shipper->at.end = shipper->at.start;
}

static int64_t
start_of(const struct shipper *shipper, const struct segment *segment)
{
	const struct shipped *before = &shipper->before;
	struct identity identity;
	if (segment->inode == before->identity.ino && before->offset > segment->start &&
		identity_in(&identity, shipper->spool, segment->name) == 0 &&
		identity.file == before->identity.file)
		return before->offset;
	return segment->start;
}

/* Everything before the segment is confirmed, or given up. */
static void
enter(struct shipper *shipper, const struct segment *segment)
{
	int64_t start = start_of(shipper, segment);
	give_up(shipper);
	shipper->at = (struct checkpoint){.segment = *segment, .start = start, .end = start};
	strlcpy(shipper->at.node, shipper->node, sizeof shipper->at.node);
	shipper->noted = false;
	account_position(shipper);
}

/* Opens the segment that is to be shipped.  Where it is gone from the spool, the next one is. */
static int
open_segment(struct shipper *shipper)
{
	const struct segment *next = next_segment(shipper, shipper->at.segment.number);
	if (shipper->tail.fd >= 0)
		return GO_ON;
	if (shipper->at.segment.number != 0 && tail_open(&shipper->tail, shipper->spool,
						       &shipper->at.segment, shipper->mark) == 0) {
		account_position(shipper);
		return GO_ON;
	}
	if (shipper->at.segment.number != 0 && errno != ENOENT)
		return trouble(shipper, "cannot open a segment of ForwardSpool");
	if (shipper->at.end > shipper->at.start)
		errlog_error("Forward: segment %s is gone from the spool, and a batch on its way "
			     "with it",
			shipper->at.segment.name);
	give_up(shipper);
	account_loss(shipper);
	if (next == NULL)
		return account_idle(shipper), LIST_MS;
	enter(shipper, next);
	return 0;
}

/*
 * The file was emptied behind us: its link becomes another segment, the newest, from the first byte on, if no writer was quicker.  Those
 * that were newer come first.
 */
static int
begin_again(struct shipper *shipper)
{
	struct segment segment = shipper->at.segment;
	int64_t size;
	if (tail_lock(&shipper->tail, &size) < 0)
		return errno == EWOULDBLOCK ? BUSY_MS : trouble(shipper, "cannot lock a segment");
	errlog_error("Forward: %s, of which %" PRId64 " bytes were sent, has %" PRId64
		     " and others: it was truncated (copytruncate?), what was cut off "
		     "before it was sent is lost; forwarding goes on at its first byte",
		segment.name, shipper->at.end, size);
	account_loss(shipper);
	/* Before the link has another name: whoever writes next looks for it. */
	mark_count_rotation(shipper->mark, shipper->tail.identity.file);
	int result = spool_renew(shipper->spool, &segment);
	if (result == 0 || errno == ENOENT)
		result = spool_list(shipper->spool, &shipper->segments);
	if (result != 0)
		result = trouble(shipper, "cannot begin a new segment");
	tail_unlock(&shipper->tail);
	const struct segment *next = next_segment(shipper, shipper->at.segment.number);
	if (result == 0 && next == NULL)
		return give_up(shipper), LIST_MS; /* somebody has removed the link as well */
	if (result == 0)
		enter(shipper, next);
	return result;
}

/*
 * A writer that finds the file emptied gives its link another number before it appends: as long as that is there, what we have read is what
 * we have meant to.
 */
static bool
was_emptied(const struct shipper *shipper)
{
	return !spool_has(shipper->spool, &shipper->at.segment) &&
	       spool_renewed(shipper->spool, &shipper->at.segment);
}

/* The batch that the checkpoint speaks of was on its way when another one died: the same bytes again. */
static int
resume(struct shipper *shipper)
{
	size_t len = (size_t)(shipper->at.end - shipper->at.start);
	int64_t size, end = tail_end(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? BUSY_MS : trouble(shipper, "cannot read a segment");
	if (size < shipper->at.end)
		return begin_again(shipper);
	if (tail_read(&shipper->tail, shipper->at.start, shipper->at.end, len, true,
		    &shipper->bytes) != 0)
		return trouble(shipper, "cannot read a segment");
	if (was_emptied(shipper))
		return begin_again(shipper);
	/* Whole lines were sent, or all that was left. */
	if (shipper->bytes.len < len) {
		errlog_error(
			"Forward: %s was changed since it was forwarded", shipper->at.segment.name);
		return begin_again(shipper);
	}
	shipper->loaded_ms = clock_mono_ms();
	shipper->courier.retries++;
	return GO_ON;
}

/* Nothing is left in the segment: done with it, unless a writer was quicker. */
static int
release(struct shipper *shipper)
{
	/* Who comes after us is not to look for it. */
	int noted = shipper->noted ? GO_ON : note(shipper);
	if (noted != GO_ON)
		return noted;
	int64_t size, end = tail_lock(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? BUSY_MS : trouble(shipper, "cannot lock a segment");
	if (end > shipper->at.end) {
		tail_unlock(&shipper->tail);
		return 0;
	}
	if (was_emptied(shipper)) {
		tail_unlock(&shipper->tail);
		return begin_again(shipper);
	}
	/* Before the link is gone: whoever writes next looks for it. */
	mark_count_rotation(shipper->mark, shipper->tail.identity.file);
	int result = spool_release(
		shipper->spool, &shipper->at.segment, &shipper->tail.identity, end);
	result = result == 0 ? GO_ON : trouble(shipper, "cannot remove a segment from the spool");
	tail_unlock(&shipper->tail);
	return result;
}

/* A newer one is there. */
static int
leave_segment(struct shipper *shipper)
{
	int result = release(shipper);
	if (result != GO_ON)
		return result;
	enter(shipper, next_segment(shipper, shipper->at.segment.number));
	return 0;
}

bool
shipper_finish(struct shipper *shipper, struct shipped *last)
{
	*last = (struct shipped){.offset = shipper->at.end};
	if (shipper->tail.fd < 0)
		return shipper->listed_ms != 0 && shipper->segments.count == 0;
	if (shipper->idle_ms == 0 || clock_mono_ms() - shipper->idle_ms < LEFT_MS)
		return false;
	last->identity = shipper->tail.identity;
	return release(shipper) == GO_ON;
}

static int
idle(struct shipper *shipper, int64_t now_ms)
{
	account_idle(shipper);
	shipper->error = 0;
	shipper->since_ms = 0;
	if (shipper->idle_ms == 0)
		shipper->idle_ms = now_ms;
	if (!shipper->noted && now_ms - shipper->idle_ms >= NOTE_IDLE_MS) {
		int result = note(shipper);
		if (result != GO_ON)
			return result;
	}
	int64_t linger_ms = shipper->rules.linger_ms;
	return linger_ms < BUSY_MS ? BUSY_MS : linger_ms < LIST_MS ? (int)linger_ms : LIST_MS;
}

/* A batch that is not full waits for more; not where the segment is finished.  How long still, or GO_ON. */
static int
linger(struct shipper *shipper, int64_t bytes, bool last, int64_t now_ms)
{
	if (shipper->since_ms == 0)
		shipper->since_ms = now_ms;
	int64_t left_ms = shipper->since_ms + shipper->rules.linger_ms - now_ms;
	if (last || bytes >= (int64_t)shipper->rules.batch_bytes || left_ms <= 0)
		return GO_ON;
	return left_ms < LIST_MS ? (int)left_ms : LIST_MS;
}

/* Reads the next batch and notes that it is on its way. */
static int
load(struct shipper *shipper, int64_t end, bool last)
{
	if (tail_read(&shipper->tail, shipper->at.end, end, shipper->rules.batch_bytes, last,
		    &shipper->bytes) != 0)
		return trouble(shipper, "cannot read a segment");
	if (was_emptied(shipper))
		return begin_again(shipper);
	if (shipper->bytes.len == 0)
		return LIST_MS; /* a line without its end, by somebody else */
	shipper->since_ms = 0;
	shipper->loaded_ms = clock_mono_ms();
	strlcpy(shipper->at.node, shipper->node, sizeof shipper->at.node);
	shipper->at.start = shipper->at.end;
	shipper->at.end += (int64_t)shipper->bytes.len;
	int result = note(shipper);
	if (result == GO_ON)
		return GO_ON;
	shipper->at.end = shipper->at.start;
	buf_clear(&shipper->bytes);
	return result;
}

static int
choose(struct shipper *shipper, int64_t now_ms)
{
	int64_t size, end = tail_end(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? BUSY_MS : trouble(shipper, "cannot read a segment");
	if (size < shipper->at.end)
		return begin_again(shipper);
	/* Of a file that nobody will write to any more no writer's word is waited for. */
	bool last = next_segment(shipper, shipper->at.segment.number) != NULL;
	if (last && end <= shipper->at.end && size > end) {
		end = tail_lock(&shipper->tail, &size);
		if (end < 0)
			return errno == EWOULDBLOCK ? BUSY_MS
			                            : trouble(shipper, "cannot lock a segment");
		tail_unlock(&shipper->tail);
	}
	if (end <= shipper->at.end && last)
		return leave_segment(shipper);
	if (end <= shipper->at.end)
		return idle(shipper, now_ms);
	shipper->idle_ms = 0;
	int wait_ms = linger(shipper, end - shipper->at.end, last, now_ms);
	return wait_ms == GO_ON ? load(shipper, end, last) : wait_ms;
}

/* 0: there is more to do. */
static int
carry(struct shipper *shipper, int wait_ms)
{
	static const enum shipping_state states[] = {
		[COURIER_DONE] = SHIPPING_SENDING,
		[COURIER_WAITING] = SHIPPING_SENDING,
		[COURIER_AWAY] = SHIPPING_AWAY,
		[COURIER_REFUSED] = SHIPPING_REFUSED,
	};
	char id[CHECKPOINT_ID_BYTES];
	const struct forward_batch batch = {
		.id = checkpoint_id(&shipper->at, id),
		.node = shipper->at.node,
		.bytes = shipper->bytes.data,
		.len = shipper->bytes.len,
	};
	enum courier_news news = courier_carry(&shipper->courier, &batch, wait_ms);
	atomic_store(&shipper->shipping->state, states[news]);
	account_retries(shipper);
	if (news != COURIER_DONE)
		return 0;
	account_confirmed(shipper, shipper->bytes.len);
	/* What is to be dropped has waited for it. */
	if (shipper->full)
		shipper->listed_ms = 0;
	buf_clear(&shipper->bytes);
	shipper->at.start = shipper->at.end;
	shipper->noted = false;
	account_position(shipper);
	return 0;
}

int
shipper_step(struct shipper *shipper, int wait_ms)
{
	int64_t now_ms = clock_mono_ms();
	int result = list(shipper, now_ms);
	if (result == GO_ON)
		result = open_segment(shipper);
	if (result == GO_ON && shipper->bytes.len == 0)
		result = shipper->at.end > shipper->at.start ? resume(shipper)
		                                             : choose(shipper, now_ms);
	if (result == GO_ON && shipper->bytes.len > 0)
		result = carry(shipper, wait_ms);
	return result == GO_ON ? 0 : result;
}
