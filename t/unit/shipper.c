/* SPDX-License-Identifier: ISC */
/* The shipper with a driver that is none: what goes out, under which ids, what is in the spool afterwards. */
#include "forward/shipper.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "lib/scratch.h"
#include "store/logfile.h"
#include "unit/tap.h"

/* All that the driver was given: ids, a line each, and bytes. */
static struct engine_of_test {
	struct buf ids, bytes;
	enum forward_outcome next; /* of confirm */
	const char *why;
	size_t takes; /* it refuses longer ones */
	size_t opens;
} got;

static enum forward_outcome
fake_open(const struct forward_target *target, void **state, char why[FORWARD_WHY_MAX])
{
	(void)target;
	(void)why;
	*state = &got;
	got.opens++;
	return FORWARD_OK;
}

static enum forward_outcome
fake_publish(void *state, const struct forward_batch *batch, char why[FORWARD_WHY_MAX])
{
	(void)state;
	if (batch->len > got.takes) {
		snprintf(why, FORWARD_WHY_MAX, "too long");
		return FORWARD_TOO_LARGE;
	}
	buf_printf(&got.ids, "%s\n", batch->id);
	buf_append(&got.bytes, (struct slice){batch->bytes, batch->len});
	return FORWARD_OK;
}

static enum forward_outcome
fake_confirm(void *state, int timeout_ms, char why[FORWARD_WHY_MAX])
{
	(void)state;
	(void)timeout_ms;
	snprintf(why, FORWARD_WHY_MAX, "%s", got.why);
	return got.next;
}

static void
fake_close(void *state)
{
	(void)state;
}

static const struct forward_driver fake = {.version = FORWARD_DRIVER_VERSION,
	.size = sizeof fake,
	.scheme = "fake",
	.open = fake_open,
	.publish = fake_publish,
	.confirm = fake_confirm,
	.close = fake_close};

struct fixture {
	char *dir, *spool;
	char *heir; /* of the spool; NULL: itself */
	struct logfile log;
	struct logfile_mark mark;
	struct shipping shipping;
	struct shipper shipper;
};

static void
open_log(struct fixture *f)
{
	CU_ASSERT_EQUAL_FATAL(logfile_open(&f->log, f->dir, "log", &f->mark), 0);
	CU_ASSERT_EQUAL_FATAL(logfile_hold(&f->log, f->spool), 0);
}

static void
begin_shipper(struct fixture *f, size_t batch_bytes)
{
	CU_ASSERT_EQUAL_FATAL(
		shipper_open(&f->shipper, f->spool, f->heir != NULL ? f->heir : f->spool, "n",
			&f->mark, &f->shipping, &fake, NULL),
		0);
	f->shipper.rules.batch_bytes = batch_bytes;
}

static struct fixture *
set_up(void)
{
	struct fixture *f = calloc(1, sizeof *f);
	errlog_open("/dev/null");
	f->dir = scratch_new();
	f->spool = scratch_path(f->dir, "spool");
	got.next = FORWARD_OK;
	got.why = "no";
	got.takes = SIZE_MAX;
	got.opens = 0;
	buf_clear(&got.ids);
	buf_clear(&got.bytes);
	open_log(f);
	return f;
}

static void
tear_down(struct fixture *f)
{
	logfile_close(&f->log);
	scratch_free(f->dir);
	free(f->spool);
	free(f);
	buf_fini(&got.ids);
	buf_fini(&got.bytes);
}

static int
append(struct fixture *f, const char *text)
{
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	return logfile_append(&f->log, &iov, 1, false);
}

static struct position
end_of_log(const struct fixture *f)
{
	return (struct position){f->log.spool_id, f->log.segment.number, f->log.end};
}

/* A writer finds that the file is not what it was, and opens it anew. */
static void
append_anew(struct fixture *f, const char *text)
{
	CU_ASSERT_EQUAL(append(f, text), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	logfile_close(&f->log);
	open_log(f);
	CU_ASSERT_EQUAL(append(f, text), 0);
}

/* Steps until nothing more goes out. */
static void
ship(struct fixture *f)
{
	f->shipper.listed_ms = 0;
	for (int i = 0; i < 100; i++)
		(void)shipper_step(&f->shipper, 0);
}

static size_t
segments_left(struct fixture *f)
{
	struct segments segments = {0};
	CU_ASSERT_EQUAL(spool_list(f->shipper.spool, &segments), 0);
	size_t count = segments.count;
	spool_free(&segments);
	return count;
}

static void
rotate(struct fixture *f, const char *to)
{
	char *from = scratch_path(f->dir, "log"), *name = scratch_path(f->dir, to);
	CU_ASSERT_EQUAL(rename(from, name), 0);
	free(from);
	free(name);
}

static void
batches(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\nthree\na longer line than a batch\nx\n");
	begin_shipper(f, 8);
	ship(f);
	CU_ASSERT_STRING_EQUAL(
		buf_string(&got.bytes), "one\ntwo\nthree\na longer line than a batch\nx\n");
	size_t ids = 0;
	for (size_t i = 0; i < got.ids.len; i++)
		ids += got.ids.data[i] == '\n';
	CU_ASSERT_EQUAL(ids, 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.ids.data, ".0-8\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got.ids.data, ".8-14\n"));
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, end_of_log(f)), SHIPPING_CONFIRMED);
	shipper_close(&f->shipper);
	tear_down(f);
}

static void
linger(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	begin_shipper(f, 4096);
	f->shipper.rules.linger_ms = 60000;
	ship(f);
	CU_ASSERT_EQUAL(got.bytes.len, 0);
	f->shipper.rules.linger_ms = 0;
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\n");
	shipper_close(&f->shipper);
	tear_down(f);
}

/* Killed between publishing and the word: nothing of the shipper is closed but its lock. */
static void
same_bytes_same_id(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\n");
	got.next = FORWARD_PENDING;
	begin_shipper(f, 4096);
	ship(f);
	close(f->shipper.lock);
	buf_fini(&f->shipper.bytes);
	spool_free(&f->shipper.segments);
	tail_close(&f->shipper.tail);
	close(f->shipper.spool);
	append(f, "three\n");
	got.next = FORWARD_OK;
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\none\ntwo\nthree\n");
	const char *second = strchr(got.ids.data, '\n') + 1;
	CU_ASSERT_EQUAL(strncmp(got.ids.data, second, (size_t)(second - got.ids.data)), 0);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.retries), 1);
	shipper_close(&f->shipper);
	tear_down(f);
}

static void
segments_in_order(void)
{
	struct fixture *f = set_up();
	struct logfile late;
	append(f, "old\n");
	begin_shipper(f, 4096);
	rotate(f, "log.1");
	late = f->log;
	open_log(f);
	append(f, "new\n");
	CU_ASSERT_EQUAL(segments_left(f), 2);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "old\nnew\n");
	CU_ASSERT_EQUAL(got.opens, 1);
	CU_ASSERT_EQUAL(segments_left(f), 1);
	/* Who still has the old file must not append to what nobody looks at. */
	struct iovec iov = {(void *)(uintptr_t) "late\n", 5};
	CU_ASSERT_EQUAL(logfile_append(&late, &iov, 1, false), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	logfile_close(&late);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* As with names of the day: the old one still leads to the file. */
static void
late_writer(void)
{
	struct fixture *f = set_up();
	struct logfile other;
	append(f, "old\n");
	begin_shipper(f, 4096);
	CU_ASSERT_EQUAL(logfile_open(&other, f->dir, "next", &f->mark), 0);
	CU_ASSERT_EQUAL(logfile_hold(&other, f->spool), 0);
	ship(f);
	append_anew(f, "late\n");
	CU_ASSERT_EQUAL(f->log.segment.start, 4);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "old\nlate\n");
	logfile_close(&other);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* The link in the spool is no name of the log. */
static void
removed(void)
{
	struct fixture *f = set_up();
	char *path = scratch_path(f->dir, "log");
	append(f, "one\n");
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(append(f, "lost\n"), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	free(path);
	tear_down(f);
}

static void
torn(void)
{
	struct fixture *f = set_up();
	append(f, "whole\n");
	/* Where the last whole one has ended is not known; a writer died in the middle: noted, and not cut off yet. */
	mark_begin(&f->mark, f->log.identity.file, 6, 100);
	mark_end(&f->mark, f->log.identity.file, -1);
	mark_begin(&f->mark, f->log.identity.file, 6, 100);
	CU_ASSERT_EQUAL(write(f->log.fd, "half a line\nand", 15), 15);
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "whole\n");
	append(f, "next\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "whole\nnext\n");
	shipper_close(&f->shipper);
	tear_down(f);
}

static void
emptied(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\n");
	begin_shipper(f, 4096);
	ship(f);
	uint64_t before = f->log.segment.number;
	CU_ASSERT_EQUAL(ftruncate(f->log.fd, 0), 0);
	ship(f);
	/* The writer is to have the new number before it waits for a confirmation. */
	append_anew(f, "three\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\nthree\n");
	CU_ASSERT_TRUE(f->shipper.at.segment.number > before);
	CU_ASSERT_EQUAL(f->shipper.at.segment.number, f->log.segment.number);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* It has grown again, beyond what was sent, before the shipper looks. */
static void
emptied_and_grown(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\n");
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_EQUAL(ftruncate(f->log.fd, 0), 0);
	append_anew(f, "three, which is longer\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\nthree, which is longer\n");
	CU_ASSERT_EQUAL(segments_left(f), 1);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* The same bytes of it are others now: they are not to go out under the id that was noted. */
static void
emptied_on_its_way(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	got.next = FORWARD_PENDING;
	begin_shipper(f, 4096);
	ship(f);
	shipper_close(&f->shipper);
	CU_ASSERT_EQUAL(ftruncate(f->log.fd, 0), 0);
	append_anew(f, "two, longer\n");
	buf_clear(&got.bytes);
	got.next = FORWARD_OK;
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "two, longer\n");
	shipper_close(&f->shipper);
	tear_down(f);
}

/* Who waits for a record that was cut off is not told that it is there. */
static void
lost(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	begin_shipper(f, 4096);
	ship(f);
	struct position sent = end_of_log(f);
	got.next = FORWARD_PENDING;
	append(f, "cut off\n");
	struct position unsent = end_of_log(f);
	ship(f);
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, unsent), SHIPPING_WAITS);
	/* Another process, which does not know the file's length, as after the start. */
	CU_ASSERT_EQUAL(ftruncate(f->log.fd, 0), 0);
	got.next = FORWARD_OK;
	shipper_close(&f->shipper);
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, sent), SHIPPING_CONFIRMED);
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, unsent), SHIPPING_LOST);
	append_anew(f, "two\n");
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, end_of_log(f)), SHIPPING_WAITS);
	ship(f);
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, end_of_log(f)), SHIPPING_CONFIRMED);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* The newer ones are not passed over. */
static void
emptied_and_rotated(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_EQUAL(ftruncate(f->log.fd, 0), 0);
	rotate(f, "log.1");
	logfile_close(&f->log);
	open_log(f);
	append(f, "two\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\n");
	shipper_close(&f->shipper);
	tear_down(f);
}

/* By somebody who tidied up. */
static void
link_removed(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_EQUAL(unlinkat(f->shipper.spool, f->log.segment.name, 0), 0);
	rotate(f, "log.1");
	logfile_close(&f->log);
	open_log(f);
	append(f, "two\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\n");
	shipper_close(&f->shipper);
	tear_down(f);
}

static void
spool_removed(void)
{
	struct fixture *f = set_up();
	append(f, "one\n");
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_FALSE(f->shipper.gone);
	scratch_free(scratch_path(f->dir, "spool"));
	ship(f);
	CU_ASSERT_TRUE(f->shipper.gone);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* What is on its way may have arrived: none of it is to come under another id. */
static void
dropped_on_its_way(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\nthree\n");
	begin_shipper(f, 8);
	got.next = FORWARD_PENDING;
	ship(f);
	CU_ASSERT_EQUAL(f->shipper.at.end, 8);
	f->shipper.rules.spool_bytes = 12;
	f->shipper.rules.drop_oldest = true;
	ship(f);
	got.next = FORWARD_OK;
	ship(f);
	CU_ASSERT_PTR_NULL(strstr(buf_string(&got.ids), ".4-"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_string(&got.ids), ".8-14\n"));
	shipper_close(&f->shipper);
	tear_down(f);
}

/* It is cut at the end of a line, as often as it must be; a single line is not. */
static void
too_large(void)
{
	struct fixture *f = set_up();
	got.takes = 9;
	append(f, "one\ntwo\nthree\nfour\nfive\nsix\n");
	begin_shipper(f, 4096);
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\nthree\nfour\nfive\nsix\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_string(&got.ids), ".0-4\n"));
	append(f, "a line as such\nx\n");
	ship(f);
	CU_ASSERT_PTR_NULL(strstr(buf_string(&got.bytes), "line"));
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.state), SHIPPING_REFUSED);
	CU_ASSERT_EQUAL(f->shipper.at.end - f->shipper.at.start, 15);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* One that is slow gets what is on its way, whatever is to be dropped behind it. */
static void
slow_engine(void)
{
	struct fixture *f = set_up();
	append(f, "one\ntwo\nthree\nfour\n");
	begin_shipper(f, 8);
	got.next = FORWARD_PENDING;
	got.why = "";
	ship(f);
	f->shipper.rules.spool_bytes = 6;
	f->shipper.rules.drop_oldest = true;
	ship(f);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.dropped_bytes), 0);
	got.next = FORWARD_OK;
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\nfour\n");
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.dropped_bytes), 6);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* A link is not seen before all that are older: the folder may show it first. */
static void
links_being_made(void)
{
	struct fixture *f = set_up();
	struct segments segments = {0};
	int spool = spool_open(f->spool);
	struct segment late = {.number = f->log.segment.number + 2, .inode = f->log.segment.inode};
	spool_write_name(&late);
	CU_ASSERT_EQUAL(linkat(spool, f->log.segment.name, spool, late.name, 0), 0);
	CU_ASSERT_EQUAL(spool_list_all(spool, &segments), 0);
	CU_ASSERT_EQUAL(segments.count, 2);
	spool_leave_out(&segments, late.number - 1, late.number);
	CU_ASSERT_EQUAL(segments.count, 1);
	/* Where the last number is an old one, or nobody knows it, all are seen. */
	CU_ASSERT_EQUAL(spool_list(spool, &segments), 0);
	CU_ASSERT_EQUAL(segments.count, 2);
	CU_ASSERT_EQUAL(unlinkat(spool, SPOOL_NUMBERS, 0), 0);
	CU_ASSERT_EQUAL(spool_list(spool, &segments), 0);
	CU_ASSERT_EQUAL(segments.count, 2);
	spool_free(&segments);
	close(spool);
	tear_down(f);
}

/* The writers go to another spool: what is left goes out first, and nothing of the file again. */
static void
another_spool(void)
{
	struct fixture *f = set_up();
	char *old = f->spool;
	append(f, "one\n");
	f->heir = scratch_path(f->dir, "other");
	begin_shipper(f, 4096);
	CU_ASSERT_FALSE(shipper_finish(&f->shipper));
	f->spool = f->heir;
	logfile_close(&f->log);
	open_log(f);
	CU_ASSERT_EQUAL(f->log.segment.start, 0);
	append(f, "two\n");
	ship(f);
	f->shipper.idle_ms -= 60000;
	CU_ASSERT_TRUE(shipper_finish(&f->shipper));
	CU_ASSERT_EQUAL(segments_left(f), 0);
	shipper_close(&f->shipper);
	f->heir = NULL;
	begin_shipper(f, 4096);
	append(f, "three\n");
	ship(f);
	CU_ASSERT_STRING_EQUAL(buf_string(&got.bytes), "one\ntwo\nthree\n");
	CU_ASSERT_EQUAL(shipping_fate(&f->shipping, end_of_log(f)), SHIPPING_CONFIRMED);
	shipper_close(&f->shipper);
	free(old);
	tear_down(f);
}

static void
full(void)
{
	struct fixture *f = set_up();
	for (int i = 0; i < 100; i++)
		append(f, "0123456789\n");
	got.next = FORWARD_PENDING;
	begin_shipper(f, 44);
	f->shipper.rules.spool_bytes = 550;
	ship(f);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.full), 1);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.lag_bytes), 1100);
	f->shipper.rules.drop_oldest = true;
	ship(f);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.full), 0);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.dropped_bytes), 550);
	CU_ASSERT_EQUAL(f->shipper.at.start, 550);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* The engine was away, is back and has not yet taken all. */
static void
behind(void)
{
	struct fixture *f = set_up();
	int64_t seen_us[3];
	begin_shipper(f, 4);
	got.next = FORWARD_PENDING;
	for (int i = 0; i < 3; i++) {
		append(f, "one\n");
		ship(f);
		seen_us[i] = clock_read().wall_us;
	}
	CU_ASSERT(atomic_load(&f->shipping.lag_since_us) <= seen_us[0]);
	got.next = FORWARD_OK;
	(void)shipper_step(&f->shipper, 0);
	f->shipper.listed_ms = 0;
	got.next = FORWARD_PENDING;
	(void)shipper_step(&f->shipper, 0);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.lag_bytes), 8);
	CU_ASSERT(atomic_load(&f->shipping.lag_since_us) > seen_us[0]);
	CU_ASSERT(atomic_load(&f->shipping.lag_since_us) <= seen_us[1]);
	got.next = FORWARD_OK;
	ship(f);
	CU_ASSERT_EQUAL(atomic_load(&f->shipping.lag_since_us), 0);
	shipper_close(&f->shipper);
	tear_down(f);
}

static void
locked(void)
{
	struct fixture *f = set_up();
	struct shipper second;
	begin_shipper(f, 4096);
	CU_ASSERT_EQUAL(
		shipper_open(&second, f->spool, f->spool, "n", &f->mark, &f->shipping, &fake, NULL),
		-1);
	CU_ASSERT_EQUAL(errno, EWOULDBLOCK);
	shipper_close(&f->shipper);
	tear_down(f);
}

/* What is at that byte of the file becomes something else. */
static void
spoil(const char *path, off_t at)
{
	char byte;
	int file = open(path, O_RDWR | O_CLOEXEC);
	CU_ASSERT_EQUAL(pread(file, &byte, 1, at), 1);
	byte ^= 1;
	CU_ASSERT_EQUAL(pwrite(file, &byte, 1, at), 1);
	close(file);
}

static int64_t
end_in(int spool)
{
	struct checkpoint out;
	return checkpoint_read(spool, &out) == 0 ? out.end : -1;
}

static void
checkpoints(void)
{
	struct fixture *f = set_up();
	char *path = scratch_path(f->spool, "checkpoint");
	int spool = spool_open(f->spool);
	struct checkpoint in = {.node = "a.b", .start = 7}, out;
	CU_ASSERT_EQUAL(checkpoint_read(spool, &out), -1);
	CU_ASSERT_EQUAL(errno, ENOENT);
	in.segment = f->log.segment;
	for (in.end = 10; in.end < 30; in.end++) {
		CU_ASSERT_EQUAL(checkpoint_write(spool, &in), 0);
		CU_ASSERT_EQUAL(end_in(spool), in.end);
	}
	CU_ASSERT_EQUAL(checkpoint_read(spool, &out), 0);
	CU_ASSERT_EQUAL(out.start, 7);
	CU_ASSERT_STRING_EQUAL(out.node, "a.b");
	CU_ASSERT_STRING_EQUAL(out.segment.name, in.segment.name);
	/* Torn: the one before counts, and is not written over. */
	spoil(path, 4096 + 60);
	CU_ASSERT_EQUAL(end_in(spool), 28);
	in.end = 31;
	CU_ASSERT_EQUAL(checkpoint_write(spool, &in), 0);
	CU_ASSERT_EQUAL(end_in(spool), 31);
	spoil(path, 4096 + 511);
	CU_ASSERT_EQUAL(end_in(spool), 28);
	spoil(path, 3);
	CU_ASSERT_EQUAL(end_in(spool), -1);
	CU_ASSERT_EQUAL(errno, EBADMSG);
	CU_ASSERT_EQUAL(checkpoint_write(spool, &in), 0);
	CU_ASSERT_EQUAL(end_in(spool), 31);
	CU_ASSERT_EQUAL(truncate(path, 0), 0);
	CU_ASSERT_EQUAL(end_in(spool), -1);
	CU_ASSERT_EQUAL(errno, EBADMSG);
	close(spool);
	free(path);
	tear_down(f);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"batches are whole lines", batches},
		{"a batch waits for more", linger},
		{"what was on its way goes out again with its id", same_bytes_same_id},
		{"segments go out in order and leave the spool", segments_in_order},
		{"a file that gets a late record is linked again, from there", late_writer},
		{"a file that was removed gets no more records", removed},
		{"what a dead writer has left is not shipped", torn},
		{"a file that was emptied is another segment", emptied},
		{"and those behind it are not passed over", emptied_and_rotated},
		{"also when it has grown again", emptied_and_grown},
		{"also with a batch on its way", emptied_on_its_way},
		{"who waits for what was cut off is told", lost},
		{"a link that somebody removed", link_removed},
		{"a spool that somebody removed", spool_removed},
		{"what is on its way is dropped as a whole", dropped_on_its_way},
		{"a batch that the engine finds too long", too_large},
		{"a slow engine gets what is on its way", slow_engine},
		{"a link that is being made", links_being_made},
		{"another spool", another_spool},
		{"a full spool", full},
		{"behind, since when", behind},
		{"one shipper a spool", locked},
		{"checkpoints, and spoiled ones", checkpoints},
		{NULL, NULL},
	};
	return tap_main("shipper", cases);
}
