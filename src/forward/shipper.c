/* SPDX-License-Identifier: ISC */
/*
 * One step: look at the spool; choose what is next; note it; carry it; note that it was.
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
#include "forward/passage.h"

enum {
	LOCK_MODE = 0640,
	NOTE_IDLE_MS = 1000 /* with nothing to do for so long, what was confirmed is noted */
};

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
shipper_open(struct shipper *shipper, const char *spool, const char *heir, const char *node,
	struct logfile_mark *mark, struct shipping *shipping, const struct forward_driver *driver,
	const struct forward_target *target)
{
	*shipper = (struct shipper){.lock = -1,
		.path = spool,
		.heir = heir,
		.node = node,
		.mark = mark,
		.shipping = shipping,
		.tail = {.fd = -1}};
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

void
shipper_close(struct shipper *shipper)
{
	courier_give_up(&shipper->courier);
	if (shipper->at.segment.number != 0 && !shipper->noted)
		(void)passage_note(shipper);
	tail_close(&shipper->tail);
	spool_free(&shipper->segments);
	buf_fini(&shipper->bytes);
	if (shipper->lock >= 0)
		close(shipper->lock);
	if (shipper->spool >= 0)
		close(shipper->spool);
	shipper->lock = shipper->spool = -1;
}

/* The batch that the checkpoint speaks of was on its way when another one died: the same bytes again. */
static int
resume(struct shipper *shipper)
{
	size_t len = (size_t)(shipper->at.end - shipper->at.start);
	int64_t size, end = tail_end(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? PASSAGE_BUSY_MS
		                            : passage_trouble(shipper, "cannot read a segment");
	if (size < shipper->at.end)
		return passage_begin_again(shipper);
	if (tail_read(&shipper->tail, shipper->at.start, shipper->at.end, len, true,
		    &shipper->bytes) != 0)
		return passage_trouble(shipper, "cannot read a segment");
	if (passage_was_emptied(shipper))
		return passage_begin_again(shipper);
	/* Whole lines were sent, or all that was left. */
	if (shipper->bytes.len < len) {
		errlog_error(
			"Forward: %s was changed since it was forwarded", shipper->at.segment.name);
		return passage_begin_again(shipper);
	}
	shipper->loaded_ms = clock_mono_ms();
	shipper->courier.retries++;
	return PASSAGE_GO_ON;
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
		int result = passage_note(shipper);
		if (result != PASSAGE_GO_ON)
			return result;
	}
	int64_t linger_ms = shipper->rules.linger_ms;
	return linger_ms < PASSAGE_BUSY_MS   ? PASSAGE_BUSY_MS
	       : linger_ms < PASSAGE_LIST_MS ? (int)linger_ms
	                                     : PASSAGE_LIST_MS;
}

static size_t
batch_bytes(const struct shipper *shipper)
{
	size_t most = shipper->most_bytes;
	return most != 0 && most < shipper->rules.batch_bytes ? most : shipper->rules.batch_bytes;
}

/* A batch that is not full waits for more; not where the segment is finished.  How long still, or PASSAGE_GO_ON. */
static int
linger(struct shipper *shipper, int64_t bytes, bool last, int64_t now_ms)
{
	if (shipper->since_ms == 0)
		shipper->since_ms = now_ms;
	int64_t left_ms = shipper->since_ms + shipper->rules.linger_ms - now_ms;
	if (last || bytes >= (int64_t)batch_bytes(shipper) || left_ms <= 0)
		return PASSAGE_GO_ON;
	return left_ms < PASSAGE_LIST_MS ? (int)left_ms : PASSAGE_LIST_MS;
}

/* Reads the next batch and notes that it is on its way. */
static int
load(struct shipper *shipper, int64_t end, bool last)
{
	if (tail_read(&shipper->tail, shipper->at.end, end, batch_bytes(shipper), last,
		    &shipper->bytes) != 0)
		return passage_trouble(shipper, "cannot read a segment");
	if (passage_was_emptied(shipper))
		return passage_begin_again(shipper);
	if (shipper->bytes.len == 0)
		return PASSAGE_LIST_MS; /* a line without its end, by somebody else */
	shipper->since_ms = 0;
	shipper->loaded_ms = clock_mono_ms();
	strlcpy(shipper->at.node, shipper->node, sizeof shipper->at.node);
	shipper->at.start = shipper->at.end;
	shipper->at.end += (int64_t)shipper->bytes.len;
	int result = passage_note(shipper);
	if (result == PASSAGE_GO_ON)
		return PASSAGE_GO_ON;
	shipper->at.end = shipper->at.start;
	buf_clear(&shipper->bytes);
	return result;
}

static int
choose(struct shipper *shipper, int64_t now_ms)
{
	int64_t size, end = tail_end(&shipper->tail, &size);
	if (end < 0)
		return errno == EWOULDBLOCK ? PASSAGE_BUSY_MS
		                            : passage_trouble(shipper, "cannot read a segment");
	if (size < shipper->at.end)
		return passage_begin_again(shipper);
	/* Of a file that nobody will write to any more no writer's word is waited for. */
	bool last = passage_next(shipper, shipper->at.segment.number) != NULL;
	if (last && end <= shipper->at.end && size > end) {
		end = tail_lock(&shipper->tail, &size);
		if (end < 0)
			return errno == EWOULDBLOCK
			               ? PASSAGE_BUSY_MS
			               : passage_trouble(shipper, "cannot lock a segment");
		tail_unlock(&shipper->tail);
	}
	if (end <= shipper->at.end && last)
		return passage_leave(shipper);
	if (end <= shipper->at.end)
		return idle(shipper, now_ms);
	shipper->idle_ms = 0;
	int wait_ms = linger(shipper, end - shipper->at.end, last, now_ms);
	return wait_ms == PASSAGE_GO_ON ? load(shipper, end, last) : wait_ms;
}

/* What the engine has refused for its length is cut in two, at the end of a line.  Whether it could be. */
static bool
cut(struct shipper *shipper)
{
	struct buf *bytes = &shipper->bytes;
	const char *last = bytes->data + bytes->len - 1;
	const char *end = memrchr(bytes->data, '\n', bytes->len / 2);
	if (end == NULL)
		end = memchr(bytes->data, '\n', bytes->len);
	if (end == NULL || end >= last)
		return false;
	buf_extend(bytes, end + 1);
	shipper->at.end = shipper->at.start + (int64_t)bytes->len;
	shipper->most_bytes = bytes->len;
	errlog_warn("Forward: %s: batches are of %zu bytes from now on, not of ForwardBatch",
		shipper->courier.why, bytes->len);
	courier_begin_again(&shipper->courier);
	return true;
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
	if (news == COURIER_REFUSED && shipper->courier.too_large && cut(shipper))
		return passage_note(shipper) == PASSAGE_GO_ON ? 0 : PASSAGE_TROUBLE_MS;
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
	int result = passage_list(shipper, now_ms);
	if (result == PASSAGE_GO_ON)
		result = passage_open(shipper);
	if (result == PASSAGE_GO_ON && shipper->bytes.len == 0)
		result = shipper->at.end > shipper->at.start ? resume(shipper)
		                                             : choose(shipper, now_ms);
	if (result == PASSAGE_GO_ON && shipper->bytes.len > 0)
		result = carry(shipper, wait_ms);
	return result == PASSAGE_GO_ON ? 0 : result;
}
