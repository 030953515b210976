/* SPDX-License-Identifier: ISC */
/*
 * The notes of appends under way.  A process can be killed between any two stores: a note is taken
 * before its length is set, and its length is cleared before it is given back, so what a dead
 * writer leaves is either the truth or a note that says nothing.
 */
#include "store/mark.h"

#include <stddef.h>

/* The finalizer of SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t
mark_file(dev_t dev, ino_t ino, int64_t born_ns)
{
	uint64_t file = mix(mix(mix((uint64_t)dev + 1) + (uint64_t)ino) + (uint64_t)born_ns);
	return file != 0 ? file : 1;
}

/* The line that the file's notes stand in. */
static size_t
line_of(uint64_t file)
{
	return file % MARK_LINES;
}

/* The line's first note of that file or NULL. */
static const struct mark_note *
find(const struct logfile_mark *mark, uint64_t file)
{
	const struct mark_note *notes = mark->notes[line_of(file)];
	for (size_t i = 0; i < MARK_LINE_NOTES; i++) {
		if (atomic_load_explicit(&notes[i].file, memory_order_acquire) == file)
			return &notes[i];
	}
	return NULL;
}

int64_t
mark_find(const struct logfile_mark *mark, uint64_t file)
{
	const struct mark_note *note = find(mark, file);
	return note == NULL ? -1 : atomic_load_explicit(&note->begin, memory_order_acquire) - 1;
}

static struct mark_note *
find_to_change(struct logfile_mark *mark, uint64_t file)
{
	return (struct mark_note *)(uintptr_t)find(mark, file);
}

static struct mark_note *
take_place(struct logfile_mark *mark, uint64_t file)
{
	struct mark_note *notes = mark->notes[line_of(file)];
	for (size_t i = 0; i < MARK_LINE_NOTES; i++) {
		uint64_t free_note = 0;
		if (atomic_compare_exchange_strong(&notes[i].file, &free_note, file))
			return &notes[i];
	}
	return NULL;
}

void
mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length)
{
	/* A note of this file may be left from one who died before it said anything. */
	struct mark_note *note = find_to_change(mark, file);
	if (note == NULL)
		note = take_place(mark, file);
	if (note != NULL)
		atomic_store_explicit(&note->begin, length + 1, memory_order_release);
}

void
mark_end(struct logfile_mark *mark, uint64_t file)
{
	struct mark_note *note = find_to_change(mark, file);
	if (note == NULL)
		return;
	atomic_store_explicit(&note->begin, 0, memory_order_release);
	atomic_store_explicit(&note->file, 0, memory_order_release);
}

bool
mark_any(const struct logfile_mark *mark)
{
	const struct mark_note *notes = mark->notes[0];
	for (size_t i = 0; i < MARK_LINES * MARK_LINE_NOTES; i++) {
		if (atomic_load_explicit(&notes[i].begin, memory_order_acquire) != 0)
			return true;
	}
	return false;
}
