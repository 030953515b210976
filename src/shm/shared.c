/* SPDX-License-Identifier: ISC */
/*
 * Making the region, with or without a file, and attaching to the file of another process.  The whole
 * region is reserved as anonymous memory; the file is then mapped over its front part.
 */
#include "shm/shared.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "shm/claim.h"
#include "shm/region.h"

#define MAGIC "logcolld"

enum {
	LAYOUT = 5, /* to be raised whenever anything in the front part changes its meaning */
	FILE_MODE = 0640,
	SLOTS_MIN = 64,
	SLOTS_MAX = 4096,
	PLACES_MIN = 4096,
	PLACES_MAX = 100000,
	ENTRIES_MAX = 16777216, /* of RateLimitTableSize */
	ROOM_TO_GROW = 4,
};

struct header {
	char magic[8];
	uint32_t layout;
	uint32_t header_bytes, board_bytes,
		limiter_bytes; /* of these structures, one slot or entry */
	char version[32];      /* of the program that made it */
	uint64_t front_bytes;  /* what the file holds */
	uint64_t slots, limiter_entries;
	uint64_t board_at, limiter_at, denied_at; /* from the header */
};

struct layout {
	size_t board_at, limiter_at, denied_at, front_bytes;
	size_t roster_at, store_at, secrets_at, secrets_end, settings_at, spool_at, size;
};

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
shared_slots(size_t workers)
{
	return smaller(larger(ROOM_TO_GROW * workers, SLOTS_MIN), SLOTS_MAX);
}

size_t
shared_places(size_t threads_per_worker)
{
	return smaller(larger(ROOM_TO_GROW * threads_per_worker, PLACES_MIN), PLACES_MAX);
}

static size_t
whole_pages(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (size + page - 1) / page * page;
}

static struct layout
lay_out(const struct shared_plan *plan)
{
	struct layout layout = {.board_at = region_align(sizeof(struct header))};
	layout.limiter_at = layout.board_at + region_align(scoreboard_size(plan->slots));
	layout.denied_at = layout.limiter_at + region_align(limiter_size(plan->limiter_entries));
	layout.front_bytes = whole_pages(layout.denied_at + limiter_size(SHARED_DENIED_ENTRIES));
	layout.roster_at = layout.front_bytes;
	layout.store_at = layout.roster_at + region_align(roster_size(plan->slots, plan->places));
	/* On pages of their own: they are kept out of dumps by the page. */
	layout.secrets_at = whole_pages(layout.store_at + region_align(plan->store_bytes));
	layout.secrets_end = layout.secrets_at + whole_pages(plan->secret_bytes);
	layout.settings_at = layout.secrets_end;
	layout.spool_at = layout.settings_at + region_align(published_size(plan->settings_bytes));
	layout.size = layout.spool_at + published_size(plan->spool_bytes);
	return layout;
}

static void
write_header(struct header *header, const struct shared_plan *plan, const struct layout *layout)
{
	*header = (struct header){
		.layout = LAYOUT,
		.header_bytes = sizeof *header,
		.board_bytes = (uint32_t)scoreboard_size(1),
		.limiter_bytes = (uint32_t)limiter_size(1),
		.front_bytes = layout->front_bytes,
		.slots = plan->slots,
		.limiter_entries = plan->limiter_entries,
		.board_at = layout->board_at,
		.limiter_at = layout->limiter_at,
		.denied_at = layout->denied_at,
	};
	memcpy(header->magic, MAGIC, sizeof header->magic);
	strlcpy(header->version, LOGCOLLECTD_VERSION, sizeof header->version);
}

/* 0 or an error number. */
static int
furnish(struct shared *shared, const struct shared_plan *plan, const struct layout *layout)
{
	char *base = shared->memory;
	struct siphash_key key;
	arc4random_buf(&key, sizeof key);
	shared->board = (void *)(base + layout->board_at);
	shared->limiter = (void *)(base + layout->limiter_at);
	shared->denied = (void *)(base + layout->denied_at);
	shared->roster = (void *)(base + layout->roster_at);
	shared->store = base + layout->store_at;
	shared->secrets = base + layout->secrets_at;
	madvise(shared->secrets, layout->secrets_end - layout->secrets_at, MADV_DONTDUMP);
	shared->settings = (void *)(base + layout->settings_at);
	shared->spool = (void *)(base + layout->spool_at);
	write_header(shared->memory, plan, layout);
	shared->slots = plan->slots;
	shared->limiter_entries = plan->limiter_entries;
	scoreboard_init(shared->board);
	scoreboard_set_info(shared->board,
		&(struct board_info){.pid = getpid(), .started_us = clock_read().wall_us});
	published_init(shared->settings, plan->settings_bytes);
	published_init(shared->spool, plan->spool_bytes);
	int error = limiter_init(shared->limiter, plan->limiter_entries, &key);
	if (error == 0)
		error = limiter_init(shared->denied, SHARED_DENIED_ENTRIES, &key);
	return error != 0 ? error : roster_init(shared->roster, plan->slots, plan->places);
}

/* Puts the file in the place of memory that is mapped already.  0 or an errno. */
static int
map_over(void *memory, size_t bytes, int fd)
{
	const void *mapped = mmap(
		memory, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	return mapped == MAP_FAILED ? errno : 0;
}

/* Makes the file under a name that nobody looks for, and maps it over the front of the region. */
static enum shared_result
make_file(struct shared *shared, size_t front_bytes, const char *name)
{
	shared->fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (shared->fd < 0)
		return claim_result();
	/* Without its blocks a full disk would be a SIGBUS at any store. */
	int error = posix_fallocate(shared->fd, 0, (off_t)front_bytes);
	if (error == 0 && (fchmod(shared->fd, FILE_MODE) < 0 || claim_hold(shared->fd) < 0))
		error = errno;
	if (error == 0)
		error = map_over(shared->memory, front_bytes, shared->fd);
	if (error == 0)
		return SHARED_OK;
	unlink(name);
	errno = error;
	return SHARED_ERROR;
}

static enum shared_result
fill(struct shared *shared, const struct shared_plan *plan, const struct layout *layout)
{
	int error = furnish(shared, plan, layout);
	errno = error;
	return error == 0 ? SHARED_OK : SHARED_ERROR;
}

static enum shared_result
make_with_file(struct shared *shared, const struct shared_plan *plan, const struct layout *layout,
	const char *file)
{
	char name[PATH_MAX];
	int length = snprintf(name, sizeof name, "%s.%d", file, (int)getpid());
	if (length < 0 || (size_t)length >= sizeof name) {
		errno = ENAMETOOLONG;
		return SHARED_ERROR;
	}
	unlink(name); /* nobody alive has this pid but us */
	enum shared_result result = make_file(shared, layout->front_bytes, name);
	if (result != SHARED_OK)
		return result;
	result = fill(shared, plan, layout);
	if (result != SHARED_OK) {
		unlink(name);
		return result;
	}
	result = claim_name(name, file, slice_of(MAGIC), &shared->pid);
	if (result != SHARED_OK)
		return result;
	shared->pid = getpid();
	shared->file = strdup(file);
	return shared->file == NULL ? SHARED_ERROR : SHARED_OK;
}

static void
give_up(struct shared *shared)
{
	int saved = errno;
	pid_t pid = shared->pid;
	shared_close(shared);
	shared->pid = pid;
	errno = saved;
}

enum shared_result
shared_make(struct shared *out, const struct shared_plan *plan, const char *file)
{
	struct layout layout = lay_out(plan);
	*out = (struct shared){.fd = -1, .size = layout.size};
	out->memory = region_map(layout.size);
	if (out->memory == NULL)
		return SHARED_ERROR;
	enum shared_result result = file == NULL ? fill(out, plan, &layout)
	                                         : make_with_file(out, plan, &layout, file);
	if (result != SHARED_OK)
		give_up(out);
	else
		out->pid = getpid();
	return result;
}

void
shared_in_child(struct shared *shared)
{
	if (shared->fd >= 0)
		close(shared->fd);
	free(shared->file);
	shared->fd = -1;
	shared->file = NULL;
}

void
shared_close(struct shared *shared)
{
	if (shared->file != NULL && claim_is_file(shared->fd, shared->file))
		unlink(shared->file);
	region_unmap(shared->memory, shared->size);
	shared_in_child(shared);
	*shared = (struct shared){.fd = -1};
}

/* What the file says it is. */
static enum shared_result
judge(struct shared *shared, const struct header *header)
{
	struct header mine;
	const struct shared_plan plan = {
		.slots = header->slots, .limiter_entries = header->limiter_entries};
	if (memcmp(header->magic, MAGIC, sizeof header->magic) != 0)
		return SHARED_NOT_A_BOARD;
	strlcpy(shared->other, header->version, sizeof shared->other);
	write_header(&mine, &plan, &(struct layout){0});
	if (header->layout != mine.layout || header->header_bytes != mine.header_bytes ||
		header->board_bytes != mine.board_bytes ||
		header->limiter_bytes != mine.limiter_bytes)
		return SHARED_OTHER_VERSION;
	if (plan.slots > SLOTS_MAX || plan.limiter_entries == 0 ||
		plan.limiter_entries > ENTRIES_MAX)
		return SHARED_NOT_A_BOARD;
	struct layout layout = lay_out(&plan);
	if (header->board_at != layout.board_at || header->limiter_at != layout.limiter_at ||
		header->denied_at != layout.denied_at || header->front_bytes != layout.front_bytes)
		return SHARED_NOT_A_BOARD;
	shared->size = layout.front_bytes;
	shared->slots = plan.slots;
	shared->limiter_entries = plan.limiter_entries;
	return SHARED_OK;
}

static enum shared_result
map_file(struct shared *shared, bool writable)
{
	struct header header;
	struct stat status;
	if (fstat(shared->fd, &status) < 0)
		return SHARED_ERROR;
	if (!S_ISREG(status.st_mode) ||
		pread(shared->fd, &header, sizeof header, 0) != sizeof header)
		return SHARED_NOT_A_BOARD;
	header.version[sizeof header.version - 1] = '\0';
	enum shared_result result = judge(shared, &header);
	if (result != SHARED_OK)
		return result;
	if ((uint64_t)status.st_size < shared->size)
		return SHARED_NOT_A_BOARD;
	shared->memory = mmap(NULL, shared->size, PROT_READ | (writable ? PROT_WRITE : 0),
		MAP_SHARED, shared->fd, 0);
	if (shared->memory == MAP_FAILED) {
		shared->memory = NULL;
		return SHARED_ERROR;
	}
	shared->board = (void *)((char *)shared->memory + header.board_at);
	shared->limiter = (void *)((char *)shared->memory + header.limiter_at);
	shared->denied = (void *)((char *)shared->memory + header.denied_at);
	return scoreboard_is_sound(shared->board) &&
	                       limiter_is_sound(shared->limiter, header.limiter_entries) &&
	                       limiter_is_sound(shared->denied, SHARED_DENIED_ENTRIES)
	               ? SHARED_OK
	               : SHARED_NOT_A_BOARD;
}

enum shared_result
shared_attach(struct shared *out, const char *file, bool writable)
{
	*out = (struct shared){0};
	out->fd = open(file, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	if (out->fd < 0)
		return errno == ENOENT ? SHARED_NOT_RUNNING : claim_result();
	enum shared_result result = map_file(out, writable);
	out->pid = claim_holder(out->fd);
	if (result == SHARED_OK && out->pid == 0)
		result = SHARED_NOT_RUNNING;
	if (result == SHARED_OK)
		return result;
	char other[sizeof out->other];
	memcpy(other, out->other, sizeof other);
	give_up(out);
	memcpy(out->other, other, sizeof other);
	return result;
}

bool
shared_running(const struct shared *shared)
{
	return claim_holder(shared->fd) == shared->pid;
}
