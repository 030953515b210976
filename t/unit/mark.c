/* SPDX-License-Identifier: ISC */
/* The notes of appends under way. */
#include "store/mark.h"

#include <pthread.h>

#include "unit/tap.h"

static void
note_and_end(void)
{
	struct logfile_mark mark = {0};
	uint64_t a = mark_file(1, 10, 0), b = mark_file(1, 11, 0);
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	mark_begin(&mark, a, 0, 100);
	mark_begin(&mark, b, 700, 100);
	CU_ASSERT_EQUAL(mark_find(&mark, a), 0);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 700);
	mark_end(&mark, a, -1);
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 700);
	mark_begin(&mark, b, 800, 100);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 800);
}

static void
files_differ(void)
{
	CU_ASSERT_NOT_EQUAL(mark_file(0, 0, 0), 0);
	CU_ASSERT_NOT_EQUAL(mark_file(1, 2, 0), mark_file(2, 1, 0));
	CU_ASSERT_NOT_EQUAL(mark_file(1, 2, 0), mark_file(2, 2, 0));
	CU_ASSERT_NOT_EQUAL(mark_file(1, 2, 3), mark_file(1, 2, 4));
	CU_ASSERT_EQUAL(mark_file(2049, 77, 0), mark_file(2049, 77, 0));
}

/* A writer that died between taking a note and filling it. */
static void
empty_note(void)
{
	struct logfile_mark mark = {0};
	uint64_t a = mark_file(1, 10, 0);
	struct mark_note *note = &mark.notes[a / 2 % MARK_GROUPS][3];
	note->file = a | MARK_BUSY;
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	mark_begin(&mark, a, 5, 100);
	CU_ASSERT_EQUAL(note->begin, 6);
	mark_end(&mark, a, -1);
	CU_ASSERT_EQUAL(note->file, a);
}

/* The nth of the files that want the same notes. */
static uint64_t
rival(uint64_t n)
{
	return 14 + 2 * n * MARK_GROUPS;
}

static void
full(void)
{
	struct logfile_mark mark = {0};
	for (uint64_t n = 0; n <= MARK_GROUP_NOTES; n++)
		mark_begin(&mark, rival(n), (int64_t)n, 100);
	for (uint64_t n = 0; n < MARK_GROUP_NOTES; n++)
		CU_ASSERT_EQUAL(mark_find(&mark, rival(n)), (int64_t)n);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(MARK_GROUP_NOTES)), -1);
	mark_begin(&mark, rival(0) + 2, 88, 100);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(0) + 2), 88);
	mark_end(&mark, rival(MARK_GROUP_NOTES), 5);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(MARK_GROUP_NOTES)), -1);
	mark_end(&mark, rival(0), -1);
	mark_begin(&mark, rival(MARK_GROUP_NOTES), 99, 100);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(MARK_GROUP_NOTES)), 99);
}

static void
where_it_ended(void)
{
	struct logfile_mark mark = {0};
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), -1);
	mark_begin(&mark, rival(0), 0, 100);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), -1);
	mark_end(&mark, rival(0), 70);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), 70);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(0)), -1);
	mark_end(&mark, rival(0), 71); /* nothing was begun */
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), 70);
	mark_begin(&mark, rival(0), 70, 100);
	mark_end(&mark, rival(0), -1);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), -1);
	/* Others take the place, when all have been taken once. */
	mark_begin(&mark, rival(0), 0, 100);
	mark_end(&mark, rival(0), 80);
	for (uint64_t n = 1; n < MARK_GROUP_NOTES; n++)
		mark_begin(&mark, rival(n), 1, 100);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), 80);
	mark_begin(&mark, rival(MARK_GROUP_NOTES), 5, 100);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(MARK_GROUP_NOTES)), 5);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(MARK_GROUP_NOTES)), -1);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(0)), -1);
}

static void
tidied(void)
{
	struct logfile_mark mark = {0};
	mark_begin(&mark, rival(0), 5, 10);
	mark_begin(&mark, rival(1), 6, 10);
	mark_end(&mark, rival(1), 16);
	for (uint64_t n = 0; n < MARK_GROUP_NOTES; n++)
		mark_begin(&mark, rival(n) + 2, 7, 10);
	mark.notes[30][2].file = 60 | MARK_BUSY;
	mark_tidy(&mark);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(0)), 5);
	CU_ASSERT_EQUAL(mark_whole(&mark, rival(1)), 16);
	CU_ASSERT_EQUAL(mark.notes[30][2].file, 0);
	for (uint64_t n = 0; n < MARK_GROUP_NOTES; n++)
		CU_ASSERT_EQUAL(mark_find(&mark, rival(n) + 2), -1);
	mark_begin(&mark, rival(MARK_GROUP_NOTES) + 2, 8, 10);
	CU_ASSERT_EQUAL(mark_find(&mark, rival(MARK_GROUP_NOTES) + 2), 8);
}

enum { THREADS = 8, ROUNDS = 5000 };

struct user {
	struct logfile_mark *mark;
	ino_t ino;
	int wrong;
};

static void *
use_own_file(void *arg)
{
	struct user *user = arg;
	uint64_t file = mark_file(1, user->ino, 0);
	for (int i = 0; i < ROUNDS; i++) {
		user->wrong += mark_find(user->mark, file) != -1;
		mark_begin(user->mark, file, i, 100);
		user->wrong += mark_find(user->mark, file) != i;
		mark_end(user->mark, file, -1);
	}
	return NULL;
}

/* Each file has one user at a time, but the notes are taken by all at once. */
static void
contention(void)
{
	struct logfile_mark mark = {0};
	struct user users[THREADS];
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++) {
		users[i] = (struct user){&mark, i + 1, 0};
		pthread_create(&threads[i], NULL, use_own_file, &users[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CU_ASSERT_EQUAL(users[i].wrong, 0);
	}
	CU_ASSERT_FALSE(mark_any(&mark));
}

struct taker {
	struct logfile_mark *mark;
	_Atomic bool over;
	int wrong;
};

/* Of a file whose end nobody has ever told. */
static void *
read_end(void *arg)
{
	struct taker *taker = arg;
	while (!taker->over)
		taker->wrong += mark_whole(taker->mark, rival(1)) != -1;
	return NULL;
}

/* A note that changes hands says nothing of its last file. */
static void
taken_over(void)
{
	static struct logfile_mark mark;
	struct taker taker = {.mark = &mark};
	pthread_t thread;
	for (uint64_t n = 2; n <= MARK_GROUP_NOTES; n++)
		mark_begin(&mark, rival(n), 1, 100);
	pthread_create(&thread, NULL, read_end, &taker);
	for (int i = 0; i < 400 * ROUNDS; i++) {
		mark_begin(&mark, rival(0), 7, 10);
		mark_end(&mark, rival(0), 17);
		mark_begin(&mark, rival(1), 5, 10);
		mark_end(&mark, rival(1), -1);
	}
	taker.over = true;
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(taker.wrong, 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"notes are found until they end", note_and_end},
		{"files have different names", files_differ},
		{"a note that says nothing is used again", empty_note},
		{"more files than notes", full},
		{"where the last append has ended", where_it_ended},
		{"full groups are freed, no others", tidied},
		{"a note that is taken over says nothing", taken_over},
		{"threads at different files do not disturb each other", contention},
		{NULL, NULL},
	};
	return tap_main("mark", cases);
}
