/* SPDX-License-Identifier: ISC */
/* The notes of appends under way. */
#include "store/mark.h"

#include <pthread.h>

#include "unit/tap.h"

static void
note_and_end(void)
{
	struct logfile_mark mark = {0};
	uint64_t a = mark_file(1, 10), b = mark_file(1, 11);
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	mark_begin(&mark, a, 0);
	mark_begin(&mark, b, 700);
	CU_ASSERT_EQUAL(mark_find(&mark, a), 0);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 700);
	mark_end(&mark, a);
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 700);
	mark_begin(&mark, b, 800);
	CU_ASSERT_EQUAL(mark_find(&mark, b), 800);
}

static void
files_differ(void)
{
	CU_ASSERT_NOT_EQUAL(mark_file(0, 0), 0);
	CU_ASSERT_NOT_EQUAL(mark_file(1, 2), mark_file(2, 1));
	CU_ASSERT_NOT_EQUAL(mark_file(1, 2), mark_file(2, 2));
	CU_ASSERT_EQUAL(mark_file(2049, 77), mark_file(2049, 77));
}

/* A writer that died between taking a note and filling it. */
static void
empty_note(void)
{
	struct logfile_mark mark = {0};
	uint64_t a = mark_file(1, 10);
	mark.notes[3].file = a;
	CU_ASSERT_EQUAL(mark_find(&mark, a), -1);
	mark_begin(&mark, a, 5);
	CU_ASSERT_EQUAL(mark.notes[3].begin, 6);
	mark_end(&mark, a);
	CU_ASSERT_EQUAL(mark.notes[3].file, 0);
}

static void
full(void)
{
	struct logfile_mark mark = {0};
	for (ino_t i = 1; i <= MARK_NOTES + 1; i++)
		mark_begin(&mark, mark_file(1, i), (int64_t)i);
	for (ino_t i = 1; i <= MARK_NOTES; i++)
		CU_ASSERT_EQUAL(mark_find(&mark, mark_file(1, i)), (int64_t)i);
	CU_ASSERT_EQUAL(mark_find(&mark, mark_file(1, MARK_NOTES + 1)), -1);
	mark_end(&mark, mark_file(1, MARK_NOTES + 1));
	mark_end(&mark, mark_file(1, 1));
	mark_begin(&mark, mark_file(1, 99), 99);
	CU_ASSERT_EQUAL(mark_find(&mark, mark_file(1, 99)), 99);
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
	uint64_t file = mark_file(1, user->ino);
	for (int i = 0; i < ROUNDS; i++) {
		user->wrong += mark_find(user->mark, file) != -1;
		mark_begin(user->mark, file, i);
		user->wrong += mark_find(user->mark, file) != i;
		mark_end(user->mark, file);
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
	for (size_t i = 0; i < MARK_NOTES; i++)
		CU_ASSERT_EQUAL(mark.notes[i].file, 0);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"notes are found until they end", note_and_end},
		{"files have different names", files_differ},
		{"a note that says nothing is used again", empty_note},
		{"more files than notes", full},
		{"threads at different files do not disturb each other", contention},
		{NULL, NULL},
	};
	return tap_main("mark", cases);
}
