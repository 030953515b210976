/* SPDX-License-Identifier: ISC */
/*
 * The notes of appends under way.  A process can be killed between any two stores: a note is busy
 * before its length is set, and its length is cleared before it no longer is, so what a dead
 * writer leaves is either the truth or a busy note that says nothing.
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
	file &= ~MARK_BUSY;
	return file != 0 ? file : 2;
}

static const struct mark_note *
group_of(const struct logfile_mark *mark, uint64_t file)
{
	return mark->notes[file / 2 % MARK_GROUPS];
}

/* The file's note, busy or not, or NULL. */
static const struct mark_note *
find(const struct logfile_mark *mark, uint64_t file)
{
	const struct mark_note *notes = group_of(mark, file);
	for (size_t i = 0; i < MARK_GROUP_NOTES; i++) {
		uint64_t found = atomic_load_explicit(&notes[i].file, memory_order_acquire);
		if ((found & ~MARK_BUSY) == file)
			return &notes[i];
	}
	return NULL;
}

static int64_t
length_of(const _Atomic int64_t *length)
{
	return atomic_load_explicit(length, memory_order_acquire) - 1;
}

int64_t
mark_find(const struct logfile_mark *mark, uint64_t file)
{
	const struct mark_note *note = find(mark, file);
	return note == NULL ? -1 : length_of(&note->begin);
}

bool
mark_torn(const struct logfile_mark *mark, uint64_t file, int64_t length)
{
	const struct mark_note *note = find(mark, file);
	int64_t begin = note == NULL ? -1 : length_of(&note->begin);
	return begin >= 0 && length > begin &&
	       length <= atomic_load_explicit(&note->most, memory_order_acquire);
}

int64_t
mark_whole(const struct logfile_mark *mark, uint64_t file)
{
	const struct mark_note *note = find(mark, file);
	if (note == NULL)
		return -1;
	uint64_t turn = atomic_load_explicit(&note->turn, memory_order_acquire);
	uint64_t before = atomic_load_explicit(&note->file, memory_order_acquire);
	int64_t length = length_of(&note->end);
	/* It may have been taken for another file meanwhile, and for this one again. */
	uint64_t now = atomic_load_explicit(&note->file, memory_order_acquire);
	bool ours = (before & ~MARK_BUSY) == file && (now & ~MARK_BUSY) == file;
	return ours && atomic_load_explicit(&note->turn, memory_order_acquire) == turn ? length
	                                                                               : -1;
}

/* Makes a note busy with the file, if nobody else is; `was` is what it is expected to be. */
static bool
take(struct mark_note *note, uint64_t was, uint64_t file)
{
	return (was & MARK_BUSY) == 0 &&
	       atomic_compare_exchange_strong(&note->file, &was, file | MARK_BUSY);
}

/* The file's own note, also a busy one: who made it so is dead, as we hold the flock. */
static struct mark_note *
take_own(struct logfile_mark *mark, uint64_t file)
{
	struct mark_note *note = (struct mark_note *)(uintptr_t)find(mark, file);
	if (note == NULL)
		return NULL;
	uint64_t was = atomic_load_explicit(&note->file, memory_order_acquire);
	return was == (file | MARK_BUSY) || (was == file && take(note, was, file)) ? note : NULL;
}

static struct mark_note *
take_any(struct logfile_mark *mark, uint64_t file)
{
	struct mark_note *notes = (struct mark_note *)(uintptr_t)group_of(mark, file);
	/* Twice: first those that no file has. */
	for (size_t i = 0; i < (size_t)2 * MARK_GROUP_NOTES; i++) {
		struct mark_note *note = &notes[i % MARK_GROUP_NOTES];
		uint64_t was = atomic_load_explicit(&note->file, memory_order_acquire);
		if (i < MARK_GROUP_NOTES && was != 0)
			continue;
		/* Nobody's, until what it says of another file is gone. */
		if (!take(note, was, 0))
			continue;
		atomic_fetch_add(&note->turn, 1);
		atomic_store_explicit(&note->end, 0, memory_order_release);
		atomic_store_explicit(&note->file, file | MARK_BUSY, memory_order_release);
		return note;
	}
	return NULL;
}

void
mark_begin(struct logfile_mark *mark, uint64_t file, int64_t length, int64_t bytes)
{
	struct mark_note *note = take_own(mark, file);
	if (note == NULL)
		note = take_any(mark, file);
	if (note == NULL)
		return;
	atomic_store_explicit(&note->most, length + bytes, memory_order_release);
	atomic_store_explicit(&note->begin, length + 1, memory_order_release);
}

void
mark_end(struct logfile_mark *mark, uint64_t file, int64_t length)
{
	struct mark_note *note = (struct mark_note *)(uintptr_t)find(mark, file);
	if (note == NULL || atomic_load_explicit(&note->file, memory_order_acquire) == file)
		return;
	atomic_store_explicit(&note->begin, 0, memory_order_release);
	atomic_store_explicit(&note->end, length + 1, memory_order_release);
	atomic_store_explicit(&note->file, file, memory_order_release);
}

static bool
is_full(const struct mark_note group[static MARK_GROUP_NOTES])
{
	size_t busy = 0;
	for (size_t i = 0; i < MARK_GROUP_NOTES; i++)
		busy += atomic_load(&group[i].file) & MARK_BUSY;
	return busy == MARK_GROUP_NOTES;
}

void
mark_tidy(struct logfile_mark *mark)
{
	for (size_t g = 0; g < MARK_GROUPS; g++) {
		bool full = is_full(mark->notes[g]);
		for (size_t i = 0; i < MARK_GROUP_NOTES; i++) {
			struct mark_note *note = &mark->notes[g][i];
			if (!(atomic_load(&note->file) & MARK_BUSY) ||
				(!full && atomic_load(&note->begin) != 0))
				continue;
			atomic_store(&note->begin, 0);
			atomic_store(&note->end, 0);
			atomic_store(&note->file, 0);
		}
	}
}

uint64_t
mark_rotations(const struct logfile_mark *mark, uint64_t file)
{
	return atomic_load(&mark->rotations[file / 2 % MARK_ROTATIONS]);
}

void
mark_count_rotation(struct logfile_mark *mark, uint64_t file)
{
	atomic_fetch_add(&mark->rotations[file / 2 % MARK_ROTATIONS], 1);
}

void
mark_count_all(struct logfile_mark *mark)
{
	for (size_t i = 0; i < MARK_ROTATIONS; i++)
		atomic_fetch_add(&mark->rotations[i], 1);
}

bool
mark_any(const struct logfile_mark *mark)
{
	for (size_t g = 0; g < MARK_GROUPS; g++) {
		for (size_t i = 0; i < MARK_GROUP_NOTES; i++) {
			if (atomic_load_explicit(&mark->notes[g][i].begin, memory_order_acquire) !=
				0)
				return true;
		}
	}
	return false;
}
