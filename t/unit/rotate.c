/* SPDX-License-Identifier: ISC */
/* Rotation by size: what becomes of the names, and of who dies among them. */
#include "store/rotate.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faults.h"
#include "lib/ledger.h"
#include "lib/scratch.h"
#include "store/logfile.h"
#include "unit/tap.h"

enum { NUMBERS = 12, KEEP = 4 };

struct fixture {
	char *dir, *path;
	struct logfile_mark *mark;
	struct ledger *ledger;
};

static uint64_t
all_rotations(const struct logfile_mark *mark)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < MARK_ROTATIONS; i++)
		sum += mark->rotations[i];
	return sum;
}

static struct fixture
set_up(void)
{
	struct fixture f = {.dir = scratch_new(), .ledger = ledger_new()};
	f.path = scratch_path(f.dir, "log");
	f.mark = mmap(
		NULL, sizeof *f.mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	faults_clear();
	return f;
}

static void
tear_down(struct fixture *f)
{
	faults_clear();
	ledger_free(f->ledger);
	munmap(f->mark, sizeof *f->mark);
	free(f->path);
	scratch_free(f->dir);
}

static char *
numbered(const struct fixture *f, int number)
{
	char name[32];
	snprintf(name, sizeof name, number == 0 ? "log" : "log.%d", number);
	return scratch_path(f->dir, name);
}

static void
put(const struct fixture *f, int number, const char *content)
{
	char *path = numbered(f, number);
	scratch_write(path, slice_of(content));
	free(path);
}

/* The first bytes of log, log.1 and so on in a row, '-' where there is none. */
static void
assert_series(const struct fixture *f, const char *expected)
{
	char series[NUMBERS + 1] = "";
	for (int i = 0; i < NUMBERS; i++) {
		size_t len;
		char *path = numbered(f, i), *text = scratch_read(path, &len);
		series[i] = text != NULL ? text[0] : '-';
		free(text);
		free(path);
	}
	CU_ASSERT_STRING_EQUAL(series, expected);
	if (strcmp(series, expected) != 0)
		printf("# %s, not %s\n", series, expected);
}

static void
numbers(void)
{
	static const struct {
		const char *before;
		int64_t keep;
		const char *after;
	} cases[] = {
		{"a-----------", 3, "-a----------"},
		{"ab----------", 3, "-ab---------"},
		{"abcd--------", 3, "-abc--------"},
		{"ab----------", 1, "-a----------"},
		/* a gap takes the shift up: nothing above it moves */
		{"ab-cd-------", 5, "-abcd-------"},
		{"a-bc--------", 3, "-abc--------"},
		/* fewer are kept than were */
		{"abcdefgh----", 3, "-abc--------"},
		{"abcd-f------", 2, "-ab--f------"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fixture f = set_up();
		for (int n = 0; n < NUMBERS; n++) {
			char content[] = {cases[i].before[n], '\0'};
			if (content[0] != '-')
				put(&f, n, content);
		}
		CU_ASSERT_EQUAL(rotate_shift(f.path, cases[i].keep), 0);
		assert_series(&f, cases[i].after);
		tear_down(&f);
	}
}

static void
others_stay(void)
{
	struct fixture f = set_up();
	put(&f, 0, "a");
	put(&f, 20260131, "archive");
	char *folder = numbered(&f, 3), *archive = numbered(&f, 20260131);
	CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
	CU_ASSERT_EQUAL(rotate_shift(f.path, 2), 0);
	CU_ASSERT_EQUAL(rotate_shift(f.path, 2), -1);
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_TRUE(scratch_length(archive) > 0);
	CU_ASSERT_TRUE(scratch_length(folder) >= 0);
	free(archive);
	free(folder);
	tear_down(&f);
}

/* One record of 50 bytes to a file with room for two. */
static int
append(struct fixture *f, struct logfile *logfile, size_t writer)
{
	struct slice record = ledger_begin(f->ledger, writer, 1, 50);
	struct iovec iov = {(void *)(uintptr_t)record.data, record.len};
	int result = -1, error = ESTALE;
	for (int i = 0; error == ESTALE && i < 3; i++) {
		if (logfile->fd < 0 && logfile_open(logfile, f->dir, "log", f->mark) != 0)
			break;
		logfile->rotation = (struct logfile_rotation){100, KEEP + 2};
		result = logfile_append(logfile, &iov, 1, false);
		error = result == 0 ? 0 : errno;
		if (error == ESTALE)
			logfile_close(logfile);
	}
	ledger_end(f->ledger, writer, 1, result);
	free((void *)(uintptr_t)record.data);
	return result;
}

/* All files in the order of time, as one, against the ledger; none is larger than that. */
static void
assert_sound(const struct fixture *f, long most_bytes)
{
	char *all = scratch_path(f->dir, "all");
	(void)unlink(all);
	for (int i = NUMBERS; i >= 0; i--) {
		char *path = numbered(f, i);
		CU_ASSERT_TRUE(scratch_length(path) <= most_bytes);
		if (scratch_length(path) >= 0)
			scratch_add(all, path);
		free(path);
	}
	CU_ASSERT_EQUAL(ledger_check(f->ledger, all), 0);
	free(all);
}

static void
when_full(void)
{
	struct fixture f = set_up();
	struct logfile a, b;
	CU_ASSERT_EQUAL(logfile_open(&a, f.dir, "log", f.mark), 0);
	CU_ASSERT_EQUAL(logfile_open(&b, f.dir, "log", f.mark), 0);
	for (int i = 0; i < KEEP + 1; i++) {
		CU_ASSERT_EQUAL(append(&f, &a, 0), 0);
		CU_ASSERT_EQUAL(append(&f, &b, 1), 0);
		assert_sound(&f, 100);
	}
	CU_ASSERT_EQUAL(all_rotations(f.mark), KEEP);
	assert_series(&f, "00000-------");
	/* Who has no such rule yet notices all the same; who is alone in a file may be larger. */
	CU_ASSERT_EQUAL(append(&f, &a, 0), 0);
	b.rotation.bytes = 0;
	struct iovec iov = {(void *)(uintptr_t) "x\n", 2};
	CU_ASSERT_EQUAL(logfile_append(&b, &iov, 1, false), -1);
	CU_ASSERT_EQUAL(errno, ESTALE);
	logfile_close(&a);
	logfile_close(&b);
	CU_ASSERT_EQUAL(logfile_open(&a, f.dir, "other", f.mark), 0);
	a.rotation = (struct logfile_rotation){1, 1};
	iov = (struct iovec){(void *)(uintptr_t) "xy\n", 3};
	CU_ASSERT_EQUAL(logfile_append(&a, &iov, 1, false), 0);
	logfile_close(&a);
	tear_down(&f);
}

/* Fills the file and some numbers; the next append renames all of them, and removes two. */
static void
prepare(struct fixture *f)
{
	struct logfile own = {.fd = -1, .mark = f->mark, .spool = -1};
	for (int i = 0; i < 2 * KEEP; i++)
		CU_ASSERT_EQUAL(append(f, &own, 0), 0);
	logfile_close(&own);
	assert_series(f, "0000--------");
	put(f, KEEP + 3, "");
	put(f, KEEP + 4, "");
}

static int
calls_of_a_rotation(void)
{
	struct fixture f = set_up();
	prepare(&f);
	struct logfile own;
	CU_ASSERT_EQUAL(logfile_open(&own, f.dir, "log", f.mark), 0);
	faults_set(FAULT_NONE, 0, 0, 0);
	CU_ASSERT_EQUAL(append(&f, &own, 0), 0);
	int calls = faults_seen();
	CU_ASSERT_EQUAL(faults_calls(FAULT_RENAMEAT), KEEP);
	CU_ASSERT_EQUAL(faults_calls(FAULT_UNLINKAT), 2);
	logfile_close(&own);
	tear_down(&f);
	return calls;
}

static bool
die_at(struct fixture *f, enum fault fault, int nth)
{
	pid_t child = fork();
	if (child == 0) {
		struct logfile own;
		if (logfile_open(&own, f->dir, "log", f->mark) != 0)
			_exit(1);
		faults_set(fault, EIO, nth, 1);
		append(f, &own, 1);
		_exit(0);
	}
	int status = 0;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* After each death somebody who has the file open, and somebody who comes, go on with what is there. */
static void
killed_everywhere(void)
{
	int calls = calls_of_a_rotation(), deaths = 0;
	for (enum fault fault = FAULT_DIE_BEFORE; fault <= FAULT_DIE_AFTER; fault++) {
		for (int nth = 1; nth <= calls; nth++) {
			struct fixture f = set_up();
			prepare(&f);
			struct logfile a, b = {.fd = -1, .mark = f.mark, .spool = -1};
			CU_ASSERT_EQUAL(logfile_open(&a, f.dir, "log", f.mark), 0);
			deaths += die_at(&f, fault, nth);
			CU_ASSERT_EQUAL(append(&f, &a, 2), 0);
			CU_ASSERT_EQUAL(append(&f, &b, 3), 0);
			assert_sound(&f, 100);
			logfile_close(&a);
			logfile_close(&b);
			tear_down(&f);
		}
	}
	CU_ASSERT_EQUAL(deaths, 3 * calls);
}

/* Every call of a rotation fails in turn: the record is stored, or told not to be, in one file or the other. */
static void
faults_everywhere(void)
{
	int calls = calls_of_a_rotation() + 2, put_off = 0;
	for (int nth = 1; nth <= calls; nth++) {
		struct fixture f = set_up();
		prepare(&f);
		struct logfile own;
		CU_ASSERT_EQUAL(logfile_open(&own, f.dir, "log", f.mark), 0);
		faults_set(FAULT_ERROR, EIO, nth, 1);
		int result = append(&f, &own, 0);
		faults_clear();
		bool grown = result == 0 && own.rotate_error != 0;
		put_off += grown;
		CU_ASSERT_TRUE(!grown || scratch_length(f.path) == 150);
		CU_ASSERT_EQUAL(append(&f, &own, 0), 0);
		CU_ASSERT_EQUAL(own.rotate_error, 0);
		assert_sound(&f, 150);
		logfile_close(&own);
		tear_down(&f);
	}
	CU_ASSERT_TRUE(put_off >= KEEP);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"numbers", numbers},
		{"what is not ours stays", others_stay},
		{"a full file is rotated, and everyone notices", when_full},
		{"killed at every call", killed_everywhere},
		{"EIO at every call", faults_everywhere},
		{NULL, NULL},
	};
	alarm(60);
	return tap_main("rotate", cases);
}
