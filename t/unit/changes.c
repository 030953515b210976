/* SPDX-License-Identifier: ISC */
/*
 * The file changes under writers: processes with threads append, while it is renamed and reopened, rotated
 * by size, or another one is meant, two hundred times.  Every record is in one of the files, once.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errlog.h"
#include "lib/ledger.h"
#include "lib/scratch.h"
#include "store/journal.h"
#include "unit/tap.h"

enum {
	PROCESSES = 4,
	THREADS = 4,
	ROUNDS = 200,
	RECORDS_PER_ROUND = 8,
	RECORD_BYTES = 60,
	BOUND_MS = 60000,
	ALARM_S = 240,
};

/* What all processes see. */
struct stage {
	struct logfile_mark mark;
	struct troubles troubles;
	_Atomic uint64_t asked; /* the round: a generation, or the number of a target */
	_Atomic uint64_t reached[PROCESSES]; /* by the journals */
};

struct play {
	char *dir, *all;
	struct ledger *ledger;
	struct stage *stage;
	pid_t children[PROCESSES];
};

/* How a process follows the round. */
typedef void follow_fn(struct journal *journal, const char *dir, uint64_t round);

static uint64_t
all_rotations(const struct logfile_mark *mark)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < MARK_ROTATIONS; i++)
		sum += mark->rotations[i];
	return sum;
}

static struct play
set_up(void)
{
	struct play play = {.dir = scratch_new(), .ledger = ledger_new()};
	play.all = scratch_path(play.dir, "all");
	play.stage = mmap(NULL, sizeof *play.stage, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return play;
}

static void
tear_down(struct play *play)
{
	munmap(play->stage, sizeof *play->stage);
	ledger_free(play->ledger);
	free(play->all);
	scratch_free(play->dir);
}

struct writer {
	const struct play *play;
	struct journal *journal;
	size_t number;
	pthread_t thread;
};

/* Some records each round, so that there are writes under way at each change, and never too many. */
static void *
write_on(void *argument)
{
	struct writer *self = argument;
	struct ledger *ledger = self->play->ledger;
	while (ledger->begun[self->number] < (size_t)ROUNDS * RECORDS_PER_ROUND) {
		uint64_t round = self->play->stage->asked;
		if (ledger->begun[self->number] >= (round + 1) * RECORDS_PER_ROUND) {
			usleep(50);
			continue;
		}
		struct slice records = ledger_begin(ledger, self->number, 1, RECORD_BYTES);
		ledger_end(
			ledger, self->number, 1, journal_append(self->journal, records, 0, NULL));
		free((void *)(uintptr_t)records.data);
	}
	return NULL;
}

static void
follow(const struct play *play, size_t process, struct journal *journal, follow_fn *follow_round)
{
	struct stage *stage = play->stage;
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	while (stage->reached[process] < ROUNDS && clock_mono_ms() < end_ms) {
		uint64_t asked = stage->asked;
		if (asked > stage->reached[process]) {
			follow_round(journal, play->dir, asked);
			stage->reached[process] = asked;
		} else {
			usleep(50);
		}
	}
}

static int
child_main(const struct play *play, size_t process, const struct journal_target *target,
	follow_fn *follow_round)
{
	int open_error;
	struct writer writers[THREADS];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(ALARM_S);
	struct journal *journal = journal_new(target,
		&(struct journal_world){&play->stage->mark, &play->stage->troubles, NULL},
		&open_error);
	if (journal == NULL || open_error != 0)
		return 1;
	for (size_t i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){
			.play = play, .journal = journal, .number = process * THREADS + i};
		if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
			return 1;
	}
	follow(play, process, journal, follow_round);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(writers[i].thread, NULL);
	journal_free(journal);
	return 0;
}

static void
start(struct play *play, const struct journal_target *target, follow_fn *follow_round)
{
	for (size_t p = 0; p < PROCESSES; p++) {
		play->children[p] = fork();
		if (play->children[p] == 0)
			_exit(child_main(play, p, target, follow_round));
	}
}

static bool
wait_for_round(const struct play *play, uint64_t round)
{
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	for (size_t p = 0; p < PROCESSES; p++) {
		while (play->stage->reached[p] < round && clock_mono_ms() < end_ms)
			usleep(50);
		if (play->stage->reached[p] < round)
			return false;
	}
	return true;
}

static void
finish(struct play *play)
{
	for (size_t p = 0; p < PROCESSES; p++) {
		int status = -1;
		while (waitpid(play->children[p], &status, 0) < 0 && errno == EINTR)
			;
		CU_ASSERT_EQUAL(status, 0);
	}
}

static char *
numbered(const struct play *play, const char *name, uint64_t number)
{
	char text[64];
	snprintf(text, sizeof text, "%s.%llu", name, (unsigned long long)number);
	return scratch_path(play->dir, text);
}

/* All files in the order of time, as one. */
static void
assert_sound(const struct play *play)
{
	CU_ASSERT_EQUAL(ledger_count(play->ledger, LEDGER_STORED),
		PROCESSES * THREADS * ROUNDS * RECORDS_PER_ROUND);
	CU_ASSERT_EQUAL(ledger_check(play->ledger, play->all), 0);
}

static void
reopen(struct journal *journal, const char *dir, uint64_t round)
{
	(void)dir;
	journal_reopen(journal, round);
	while (journal_generation(journal) < round)
		usleep(50);
}

/* Once all have reached the generation, the old file is nobody's. */
static void
reopened(void)
{
	struct play play = set_up();
	char *path = scratch_path(play.dir, "log");
	const struct journal_target target = {.dir = play.dir, .name = "log"};
	long lengths[ROUNDS + 1] = {0};
	start(&play, &target, reopen);
	int64_t end_ms = clock_mono_ms() + BOUND_MS;
	while (scratch_length(path) < 0 && clock_mono_ms() < end_ms)
		usleep(50);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		char *old = numbered(&play, "old", round);
		CU_ASSERT_EQUAL(rename(path, old), 0);
		play.stage->asked = round;
		CU_ASSERT_TRUE_FATAL(wait_for_round(&play, round));
		lengths[round] = scratch_length(old);
		free(old);
	}
	finish(&play);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		char *old = numbered(&play, "old", round);
		CU_ASSERT_EQUAL(scratch_length(old), lengths[round]);
		scratch_add(play.all, old);
		free(old);
	}
	scratch_add(play.all, path);
	assert_sound(&play);
	free(path);
	tear_down(&play);
}

static void
retarget(struct journal *journal, const char *dir, uint64_t round)
{
	char name[64];
	/* Every other one is but a change of LogSync. */
	snprintf(name, sizeof name, "log.%llu", (unsigned long long)(round / 2));
	const struct journal_target target = {
		.dir = dir, .name = name, .sync = round % 8 == 1 ? 3600 : JOURNAL_SYNC_NONE};
	if (journal_retarget(journal, &target) != 0)
		_exit(2);
}

static void
retargeted(void)
{
	struct play play = set_up();
	const struct journal_target target = {.dir = play.dir, .name = "log.0"};
	start(&play, &target, retarget);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		play.stage->asked = round;
		CU_ASSERT_TRUE_FATAL(wait_for_round(&play, round));
	}
	finish(&play);
	for (uint64_t i = 0; i <= ROUNDS / 2; i++) {
		char *path = numbered(&play, "log", i);
		scratch_add(play.all, path);
		free(path);
	}
	assert_sound(&play);
	tear_down(&play);
}

static void
no_change(struct journal *journal, const char *dir, uint64_t round)
{
	(void)journal, (void)dir, (void)round;
}

/* Rotated by whoever fills it, with all others in the middle of it. */
static void
rotated(void)
{
	enum { FILE_BYTES = 100 * RECORD_BYTES, ROTATIONS_MAX = 9999 };
	struct play play = set_up();
	const struct journal_target target = {.dir = play.dir,
		.name = "log",
		.rotate_bytes = FILE_BYTES,
		.rotate_keep = ROTATIONS_MAX};
	start(&play, &target, no_change);
	play.stage->asked = ROUNDS;
	finish(&play);
	uint64_t rotations = all_rotations(&play.stage->mark);
	CU_ASSERT_TRUE(rotations >= ROUNDS);
	for (uint64_t i = rotations; i > 0; i--) {
		char *old = numbered(&play, "log", i);
		CU_ASSERT_TRUE(scratch_length(old) > 0 && scratch_length(old) <= FILE_BYTES);
		scratch_add(play.all, old);
		free(old);
	}
	char *path = scratch_path(play.dir, "log");
	CU_ASSERT_TRUE(scratch_length(path) <= FILE_BYTES);
	scratch_add(play.all, path);
	assert_sound(&play);
	free(path);
	tear_down(&play);
}

/* A rule that reaches the processes one by one, and goes again: nobody writes to a file rotated by another. */
static void
change_rule(struct journal *journal, const char *dir, uint64_t round)
{
	const struct journal_target target = {.dir = dir,
		.name = "log",
		.rotate_bytes = round % 2 == 0 ? 50 * RECORD_BYTES : 0,
		.rotate_keep = 9999};
	if (journal_retarget(journal, &target) != 0)
		_exit(2);
}

static void
rules_changed(void)
{
	struct play play = set_up();
	const struct journal_target target = {.dir = play.dir, .name = "log"};
	start(&play, &target, change_rule);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		play.stage->asked = round;
		CU_ASSERT_TRUE_FATAL(wait_for_round(&play, round));
	}
	finish(&play);
	uint64_t rotations = all_rotations(&play.stage->mark);
	CU_ASSERT_TRUE(rotations > 10);
	for (uint64_t i = rotations; i > 0; i--) {
		char *old = numbered(&play, "log", i);
		scratch_add(play.all, old);
		free(old);
	}
	char *path = scratch_path(play.dir, "log");
	scratch_add(play.all, path);
	assert_sound(&play);
	free(path);
	tear_down(&play);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"renamed and reopened 200 times", reopened},
		{"another target 200 times", retargeted},
		{"rotated by size", rotated},
		{"the rule of rotation changes 200 times", rules_changed},
		{NULL, NULL},
	};
	/* Who is never woken must not hang the whole run. */
	alarm(ALARM_S);
	return tap_main("changes", cases);
}
