/* SPDX-License-Identifier: ISC */
/* The shared region and its file: laid out, made once, found by readers, replaced after a death. */
#include "shm/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/child.h"
#include "lib/scratch.h"
#include "unit/tap.h"

static const struct shared_plan plan = {
	.slots = 4, .places = 8, .limiter_entries = 64, .store_bytes = 100, .settings_bytes = 1000};
static const struct limiter_rule rule = {5, 1000};

enum { MARK = 77 };

/* Uses each part to its end; whether all is as it was made. */
static bool
works(struct shared *shared)
{
	struct address address = {.bytes = {1}};
	char value[1000] = "settings", copy[1000];
	bool too_many;
	bool well = limiter_take(shared->limiter, &address, &rule, 0, 9) == 5;
	for (uint32_t n = 0; n < 2 * SHARED_DENIED_ENTRIES; n++) {
		struct address stranger = {.bytes = {2}};
		memcpy(&stranger.bytes[12], &n, sizeof n);
		limiter_note(shared->denied, &stranger, 0);
	}
	well &= limiter_stats(shared->denied).entries == SHARED_DENIED_ENTRIES;
	for (size_t slot = 0; slot < plan.slots; slot++) {
		scoreboard_add(shared->board, slot, VERDICT_FAILED, 1);
		for (size_t place = 0; place < plan.places; place++)
			well &= roster_enter(shared->roster, slot, &address, 0, &too_many) >= 0;
		well &= roster_enter(shared->roster, slot, &address, 0, &too_many) < 0;
	}
	memset(shared->store, MARK, plan.store_bytes);
	published_write(shared->settings, value, sizeof value);
	published_read(shared->settings, copy, sizeof copy);
	well &= memcmp(value, copy, sizeof value) == 0;
	well &= limiter_take(shared->limiter, &address, &rule, 0, 9) == 0;
	for (size_t slot = 0; slot < plan.slots; slot++)
		well &= roster_clients(shared->roster, slot) == plan.places;
	for (size_t i = 0; i < plan.store_bytes; i++)
		well &= ((char *)shared->store)[i] == MARK;
	return well &&
	       scoreboard_totals(shared->board, shared->slots).counts[COUNT_LINES] == plan.slots;
}

static void
anonymous(void)
{
	struct shared shared;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, NULL), SHARED_OK);
	CU_ASSERT(works(&shared));
	CU_ASSERT_EQUAL(shared.pid, getpid());
	struct board_info info;
	scoreboard_info(shared.board, &info);
	CU_ASSERT_EQUAL(info.pid, getpid());
	CU_ASSERT(info.started_us > 0);
	shared_close(&shared);
	CU_ASSERT_PTR_NULL(shared.memory);
}

static void
room(void)
{
	CU_ASSERT_EQUAL(shared_slots(1), 64);
	CU_ASSERT_EQUAL(shared_slots(100), 400);
	CU_ASSERT_EQUAL(shared_slots(5000), 4096);
	CU_ASSERT_EQUAL(shared_places(1), 4096);
	CU_ASSERT_EQUAL(shared_places(2000), 8000);
	CU_ASSERT_EQUAL(shared_places(1000000), 100000);
}

/* Reserved address space is not paid for: the largest of all regions can be made. */
static void
largest(void)
{
	const struct shared_plan most = {
		.slots = 4096, .places = 100000, .limiter_entries = 65536, .settings_bytes = 1};
	struct shared shared;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &most, NULL), SHARED_OK);
	shared_close(&shared);
}

/* A daemon: makes the file, says so, and waits to be killed. */
struct daemon {
	const char *file;
	int said;
};

static void
run_daemon(void *arg)
{
	struct daemon *daemon = arg;
	struct shared shared;
	char result = (char)shared_make(&shared, &plan, daemon->file);
	if (result == SHARED_OK && !works(&shared))
		result = -1;
	if (write(daemon->said, &result, 1) != 1)
		_exit(1);
	pause();
}

/* Starts one and waits for its word. */
static pid_t
daemon_start(const char *file, char *result)
{
	int pipes[2];
	CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
	struct daemon daemon = {file, pipes[1]};
	pid_t pid = child_start(run_daemon, &daemon);
	close(pipes[1]);
	CU_ASSERT_EQUAL(read(pipes[0], result, 1), 1);
	close(pipes[0]);
	return pid;
}

struct scene {
	char *dir, *file;
};

static struct scene
scene_new(void)
{
	struct scene scene = {.dir = scratch_new()};
	scene.file = scratch_path(scene.dir, "board");
	return scene;
}

static void
scene_free(struct scene *scene)
{
	scratch_free(scene->dir);
	free(scene->file);
}

static enum shared_result
attach(const char *file)
{
	struct shared reader;
	enum shared_result result = shared_attach(&reader, file, false);
	shared_close(&reader);
	return result;
}

static void
file(void)
{
	struct scene scene = scene_new();
	struct shared shared, reader;
	struct stat status;
	umask(0);
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	CU_ASSERT(works(&shared));
	CU_ASSERT_EQUAL(stat(scene.file, &status), 0);
	CU_ASSERT_EQUAL(status.st_mode & 07777, 0640);
	CU_ASSERT(status.st_blocks * 512 >= status.st_size);
	shared_close(&shared);
	CU_ASSERT_EQUAL(access(scene.file, F_OK), -1);
	CU_ASSERT_EQUAL(shared_attach(&reader, scene.file, false), SHARED_NOT_RUNNING);
	scene_free(&scene);
}

static void
readers(void)
{
	struct scene scene = scene_new();
	char result;
	pid_t pid = daemon_start(scene.file, &result);
	struct shared reader, writer;
	CU_ASSERT_EQUAL(result, SHARED_OK);
	CU_ASSERT_EQUAL_FATAL(shared_attach(&reader, scene.file, false), SHARED_OK);
	CU_ASSERT_EQUAL(reader.pid, pid);
	CU_ASSERT_EQUAL(
		scoreboard_totals(reader.board, reader.slots).counts[VERDICT_FAILED], plan.slots);
	CU_ASSERT_EQUAL(reader.slots, plan.slots);
	CU_ASSERT_EQUAL_FATAL(shared_attach(&writer, scene.file, true), SHARED_OK);
	CU_ASSERT_EQUAL(limiter_stats(writer.limiter).entries, 1);
	CU_ASSERT_EQUAL(limiter_stats(writer.denied).entries, SHARED_DENIED_ENTRIES);
	CU_ASSERT(shared_running(&reader));
	shared_close(&writer);
	CU_ASSERT_EQUAL(access(scene.file, F_OK), 0);
	child_kill(pid);
	CU_ASSERT(!shared_running(&reader));
	CU_ASSERT_EQUAL(
		scoreboard_totals(reader.board, reader.slots).counts[VERDICT_FAILED], plan.slots);
	shared_close(&reader);
	CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_RUNNING);
	scene_free(&scene);
}

static void
second(void)
{
	struct scene scene = scene_new();
	char result;
	pid_t pid = daemon_start(scene.file, &result);
	struct shared shared, reader;
	CU_ASSERT_EQUAL(shared_make(&shared, &plan, scene.file), SHARED_RUNNING);
	CU_ASSERT_EQUAL(shared.pid, pid);
	CU_ASSERT_EQUAL(shared_attach(&reader, scene.file, false), SHARED_OK);
	CU_ASSERT_EQUAL(reader.pid, pid);
	shared_close(&reader);
	child_kill(pid);
	CU_ASSERT_EQUAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	CU_ASSERT(works(&shared));
	shared_close(&shared);
	CU_ASSERT_EQUAL(access(scene.file, F_OK), -1);
	CU_ASSERT_EQUAL(rmdir(scene.dir), 0); /* nothing is left beside it */
	scene_free(&scene);
}

static void
let_go(void *arg)
{
	shared_in_child(arg);
	shared_close(arg);
}

/* A child that ends takes neither the file nor the hold on it along. */
static void
children(void)
{
	struct scene scene = scene_new();
	char result;
	struct shared shared;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	CU_ASSERT(child_succeeded(child_start(let_go, &shared)));
	CU_ASSERT_EQUAL(access(scene.file, F_OK), 0);
	pid_t other = daemon_start(scene.file, &result);
	CU_ASSERT_EQUAL(result, SHARED_RUNNING);
	child_kill(other);
	shared_close(&shared);
	scene_free(&scene);
}

/* Many at once on what a dead one left: one of them gets it. */
static void
race(void)
{
	enum { ROUNDS = 20, RACERS = 4 };
	struct scene scene = scene_new();
	for (int round = 0; round < ROUNDS; round++) {
		int pipes[2];
		CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
		struct daemon daemon = {scene.file, pipes[1]};
		pid_t pids[RACERS];
		for (int i = 0; i < RACERS; i++)
			pids[i] = child_start(run_daemon, &daemon);
		char results[RACERS];
		int winners = 0, losers = 0;
		for (int i = 0; i < RACERS; i++) {
			CU_ASSERT_EQUAL(read(pipes[0], &results[i], 1), 1);
			winners += results[i] == SHARED_OK;
			losers += results[i] == SHARED_RUNNING;
		}
		CU_ASSERT_EQUAL(winners, 1);
		CU_ASSERT_EQUAL(losers, RACERS - 1);
		CU_ASSERT_EQUAL(attach(scene.file), SHARED_OK);
		for (int i = 0; i < RACERS; i++)
			child_kill(pids[i]);
		close(pipes[0]);
		close(pipes[1]);
	}
	scene_free(&scene);
}

static void
strangers(void)
{
	struct scene scene = scene_new();
	struct shared shared;
	struct slice text = SLICE("root:x:0:0:root:/root:/bin/bash\n");
	size_t len;
	scratch_write(scene.file, text);
	CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_A_BOARD);
	CU_ASSERT_EQUAL(shared_make(&shared, &plan, scene.file), SHARED_NOT_A_BOARD);
	char *left = scratch_read(scene.file, &len);
	CU_ASSERT_STRING_EQUAL(left, text.data);
	free(left);
	scratch_write(scene.file, (struct slice)SLICE(""));
	CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_A_BOARD);
	CU_ASSERT_EQUAL(attach(scene.dir), SHARED_NOT_A_BOARD);
	CU_ASSERT_EQUAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	shared_close(&shared);
	CU_ASSERT_EQUAL(shared_make(&shared, &plan, "/nonexistent/board"), SHARED_ERROR);
	CU_ASSERT_EQUAL(errno, ENOENT);
	scene_free(&scene);
}

/* Bytes behind the magic say something else, or too few bytes follow. */
static void
other_versions(void)
{
	struct scene scene = scene_new();
	struct shared shared, reader;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	uint32_t *layout = (void *)((char *)shared.memory + 8);
	++*layout;
	CU_ASSERT_EQUAL(shared_attach(&reader, scene.file, false), SHARED_OTHER_VERSION);
	CU_ASSERT_STRING_EQUAL(reader.other, LOGCOLLECTD_VERSION);
	shared_close(&reader);
	--*layout;
	CU_ASSERT_EQUAL(truncate(scene.file, 4096), 0);
	CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_A_BOARD);
	shared_close(&shared);
	scene_free(&scene);
}

/* A reader's way through the file must not be the file's to say. */
static void
spoiled(void)
{
	struct scene scene = scene_new();
	struct shared shared;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, scene.file), SHARED_OK);
	uint64_t *board = (void *)shared.board, *limiter = (void *)shared.limiter;
	uint64_t *words[] = {&board[2], &limiter[2]};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		uint64_t sound = *words[i];
		*words[i] = UINT64_C(1) << 40;
		CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_A_BOARD);
		*words[i] = sound;
	}
	CU_ASSERT_EQUAL(attach(scene.file), SHARED_NOT_RUNNING); /* but for ourselves */
	shared_close(&shared);
	scene_free(&scene);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"every part has its room", anonymous},
		{"room to grow", room},
		{"the largest region", largest},
		{"with a file, which is removed", file},
		{"readers find the daemon, and its death", readers},
		{"of two daemons the second refuses; a leftover is replaced", second},
		{"a child that ends changes nothing", children},
		{"of many that start at once one wins", race},
		{"files that are something else are left alone", strangers},
		{"other versions and cut files are told", other_versions},
		{"spoiled files are told", spoiled},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("shared", cases);
}
