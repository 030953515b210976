/* SPDX-License-Identifier: ISC */
/*
 * The notes of appends under way.  A process can be killed between any two stores: a note is taken
 * before its length is set, and its length is cleared before it is given back, so what a dead
 * writer leaves is either the truth or a note that says nothing.
 */
#include "store/mark.h"

#include <stddef.h>

uint64_t
mark_file(dev_t dev, ino_t ino)
{
	uint64_t file = (uint64_t)ino ^ (uint64_t)dev * UINT64_C(0x9e3779b97f4a7c15);
	return file != 0 ? file : 1;
}

/* The place of the file's note, or MARK_NOTES. */
static size_t
place_of(const struct logfile_mark *mark, uint64_t file)
{
	size_t i = 0;
	while (i < MARK_NOTES &&
		atomic_load_explicit(&mark->notes[i].file, memory_order_acquire) != file)
		i++;
	return i;
}

int64_t
mark_find(const struct logfile_mark *mark, uint64_t file)
{
	size_t i = place_of(mark, file);
	if (i == MARK_NOTES)
		return -1;
	return atomic_load_explicit(&mark->notes[i].begin, memory_order_acquire) - 1;
}

static size_t
take_place(struct logfile_mark *mark, uint64_t file)
{
	for (size_t i = 0; i < MARK_NOTES; i++) {
		uint64_t free_note = 0;
		if (atomic_compare_exchange_strong(&mark->notes[i].file, &free_note, file))
			return i;
	}
	return MARK_NOTES;
}

void
mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length)
{
	/* A note of this file may be left from one who died before it said anything. */
	size_t i = place_of(mark, file);
	if (i == MARK_NOTES)
		i = take_place(mark, file);
	if (i < MARK_NOTES)
		atomic_store_explicit(&mark->notes[i].begin, length + 1, memory_order_release);
}

void
mark_end(struct logfile_mark *mark, uint64_t file)
{
	size_t i = place_of(mark, file);
	if (i == MARK_NOTES)
		return;
	atomic_store_explicit(&mark->notes[i].begin, 0, memory_order_release);
	atomic_store_explicit(&mark->notes[i].file, 0, memory_order_release);
}

bool
mark_any(const struct logfile_mark *mark)
{
	for (size_t i = 0; i < MARK_NOTES; i++) {
		if (atomic_load_explicit(&mark->notes[i].begin, memory_order_acquire) != 0)
			return true;
	}
	return false;
}
