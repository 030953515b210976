/* SPDX-License-Identifier: ISC */
/*
 * All that logcollectctl shows, of a scoreboard file whose bytes are anything: before it is mapped, and
 * while it is.  What is shown means nothing; it ends, and under the sanitizers it does nothing wrong.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "ctl/limits.h"
#include "ctl/status.h"
#include "ctl/top.h"
#include "lib/child.h"
#include "lib/scratch.h"
#include "shm/claim.h"
#include "unit/tap.h"

enum {
	ROUNDS = 400,
	SPOTS_MAX = 200,
	RUN_MAX = 600,
	TABLE = 300,
	CLIENTS = 200,
	FIRST_BYTES = 128
};

static const struct shared_plan plan = {
	.slots = 64, .places = 8, .limiter_entries = TABLE, .store_bytes = 8, .settings_bytes = 8};

struct scene {
	char *dir, *file;
	char *whole; /* the file as the daemon left it */
	size_t size;
	uint64_t random;
	bool meanwhile; /* it is spoiled after it was mapped */
};

static size_t
any(struct scene *scene, size_t below)
{
	scene->random = scene->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(scene->random >> 33) % below;
}

/* A board with something on it, in scene->whole; what a daemon that lives holds is a copy. */
static void
make_board(struct scene *scene)
{
	static const struct limiter_rule rule = {5, 100000};
	struct shared shared;
	CU_ASSERT_EQUAL_FATAL(shared_make(&shared, &plan, scene->file), SHARED_OK);
	for (size_t slot = 0; slot < 5; slot++) {
		scoreboard_give_slot(shared.board, slot, 1, 0);
		scoreboard_add(shared.board, slot, VERDICT_RECEIVED, 1000);
		scoreboard_observe(shared.board, slot, 100, 1000);
	}
	scoreboard_reload_finished(shared.board, 1, 1, 1, "one\ntwo\n", 1);
	for (uint8_t n = 0; n < CLIENTS; n++) {
		struct address address = {{[10] = 0xff, 0xff, 127, 0, 0, n}};
		limiter_take(shared.limiter, &address, &rule, clock_mono_ms(), n);
		limiter_note(shared.denied, &address, clock_mono_ms());
	}
	scene->whole = scratch_read(scene->file, &scene->size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(scene->whole);
	shared_close(&shared);
	scratch_write(scene->file, (struct slice){scene->whole, scene->size});
}

/* Holds the file as a daemon does. */
static void
hold(void *arg)
{
	const struct scene *scene = arg;
	if (claim_hold(open(scene->file, O_RDWR | O_CLOEXEC)) < 0)
		_exit(1);
	raise(SIGSTOP);
}

/* Some random bytes, or a number that is hard to calculate with in the place of another one. */
static size_t
make_nonsense(struct scene *scene, char *bytes, size_t *at)
{
	static const int64_t hard[] = {INT64_MIN, INT64_MAX, -1, 0, UINT32_MAX};
	if (any(scene, 2) == 0) {
		*at -= *at % sizeof hard[0];
		memcpy(bytes, &hard[any(scene, sizeof hard / sizeof hard[0])], sizeof hard[0]);
		return sizeof hard[0];
	}
	size_t length = 1 + any(scene, any(scene, 8) == 0 ? RUN_MAX : 8);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)any(scene, 256);
	return length;
}

/* The first bytes are spoiled in few rounds: most of them only say that this is no scoreboard. */
static void
spoil(struct scene *scene, int fd)
{
	size_t first = any(scene, 4) == 0 ? 0 : FIRST_BYTES;
	for (size_t spots = 1 + any(scene, SPOTS_MAX); spots > 0; spots--) {
		char bytes[RUN_MAX];
		size_t at = first + any(scene, scene->size - first - RUN_MAX);
		size_t length = make_nonsense(scene, bytes, &at);
		if (pwrite(fd, bytes, length, (off_t)at) != (ssize_t)length)
			_exit(1);
	}
}

static void
show(const struct shared *shared)
{
	static const struct top_options once = {.count = 1, .delay_ms = 1, .plain = true};
	struct reading reading;
	if (reading_take(&reading, shared) < 0)
		_exit(1);
	status_print(stdout, &reading);
	status_print_json(stdout, &reading);
	reading_fini(&reading);
	limits_print(stdout, shared, false);
	limits_print(stdout, shared, true);
	limits_print_json(stdout, shared, true);
	limits_print_denied(stdout, shared);
	limits_print_denied_json(stdout, shared);
	top_run(&once, shared);
}

/* What it says is thrown away; exits with 2 when nothing could be shown in any round. */
static void
look(void *arg)
{
	struct scene *scene = arg;
	unsigned shown = 0;
	int fd = open(scene->file, O_RDWR | O_CLOEXEC), nothing = open("/dev/null", O_WRONLY);
	dup2(nothing, STDOUT_FILENO);
	stderr = fopen("/dev/null", "w"); /* the descriptor stays with the sanitizers */
	int64_t deadline_ms = clock_mono_ms() + 4000;
	for (int round = 0; round < ROUNDS && clock_mono_ms() < deadline_ms; round++) {
		struct shared shared;
		if (pwrite(fd, scene->whole, scene->size, 0) != (ssize_t)scene->size)
			_exit(1);
		if (!scene->meanwhile)
			spoil(scene, fd);
		if (shared_attach(&shared, scene->file, round % 2 == 0) != SHARED_OK)
			continue;
		if (scene->meanwhile)
			spoil(scene, fd);
		show(&shared);
		if (round % 2 == 0)
			limits_reset(&shared, "127.0.0.9");
		shared_close(&shared);
		shown++;
	}
	exit(shown > 0 ? 0 : 2);
}

static void
look_at_spoiled(bool meanwhile)
{
	struct scene scene = {.dir = scratch_new(), .random = 1, .meanwhile = meanwhile};
	int status;
	scene.file = scratch_path(scene.dir, "board");
	make_board(&scene);
	pid_t holder = child_start(hold, &scene);
	CU_ASSERT_EQUAL(waitpid(holder, &status, WUNTRACED), holder);
	CU_ASSERT_FATAL(WIFSTOPPED(status));
	CU_ASSERT(child_succeeded(child_start(look, &scene)));
	child_kill(holder);
	scratch_free(scene.dir);
	free(scene.file);
	free(scene.whole);
}

static void
before(void)
{
	look_at_spoiled(false);
}

static void
meanwhile(void)
{
	look_at_spoiled(true);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a spoiled file is shown, or told to be none", before},
		{"a file that is spoiled meanwhile is shown", meanwhile},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("spoiled", cases);
}
