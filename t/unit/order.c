/* SPDX-License-Identifier: ISC */
/* Orders, against a supervisor that plays its part by script: when they return, and with what. */
#include "ctl/order.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "lib/child.h"
#include "lib/scratch.h"
#include "shm/region.h"
#include "unit/tap.h"

enum { WORKERS = 3, SLOW_MS = 100, SHORT_MS = 300, LONG_MS = 20000 };

/* What the supervisor does when it is told to; the workers are its words only. */
struct script {
	uint64_t under_way; /* a reload that was asked for by somebody else */
	const char *errors; /* of the reload */
	int log_error;      /* of the last worker */
	bool silent;        /* nothing is done */
	bool lagging;       /* the last worker never follows */
	bool dies;
};

/* Shared with the supervisor. */
struct stage {
	_Atomic int followed; /* the last worker is about to say that it has followed */
	struct script script;
	const char *file;
	int said;
};

struct play {
	struct stage *stage;
	char *dir, *file, *out;
	pid_t pid;
};

static void
pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Each worker follows in its own time, the last one late. */
static void
workers_follow(struct stage *stage, struct scoreboard *board)
{
	struct board_info info;
	scoreboard_info(board, &info);
	for (size_t i = 0; i < WORKERS; i++) {
		bool last = i == WORKERS - 1;
		if (last && stage->script.lagging)
			return;
		if (last) {
			pause_ms(SLOW_MS);
			stage->followed = 1;
		}
		scoreboard_set_settings(board, i, info.settings_generation);
		scoreboard_set_log(
			board, i, info.log_generation, last ? stage->script.log_error : 0);
	}
}

static void
reload(struct stage *stage, struct scoreboard *board)
{
	const struct script *script = &stage->script;
	struct board_info info;
	scoreboard_reload_asked(board);
	if (script->under_way > 0) {
		scoreboard_reload_finished(board, script->under_way, 4, 1, "not yours\n", 1);
		pause_ms(SLOW_MS);
	}
	scoreboard_info(board, &info);
	uint64_t errors = script->errors != NULL;
	scoreboard_reload_finished(
		board, info.reloads_asked, errors > 0 ? 4 : 5, errors, script->errors, 2);
	if (errors == 0)
		workers_follow(stage, board);
}

static void
take_order(struct stage *stage, struct scoreboard *board, int signal)
{
	if (stage->script.dies || signal == SIGTERM) {
		pause_ms(SLOW_MS);
		stage->followed = 1;
		raise(SIGKILL);
	}
	if (signal == SIGHUP)
		reload(stage, board);
	if (signal == SIGUSR1) {
		scoreboard_ask_log(board);
		workers_follow(stage, board);
	}
}

static void
supervise(void *arg)
{
	static const struct shared_plan plan = {
		.slots = 8, .places = 1, .limiter_entries = 8, .settings_bytes = 8};
	struct stage *stage = arg;
	struct shared shared;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (shared_make(&shared, &plan, stage->file) != SHARED_OK)
		_exit(1);
	struct board_info info = {.state = BOARD_RUNNING,
		.settings_generation = 4,
		.reloads_asked = stage->script.under_way};
	scoreboard_set_info(shared.board, &info);
	for (size_t i = 0; i < WORKERS; i++) {
		scoreboard_give_slot(shared.board, i, 1, 0);
		scoreboard_set_settings(shared.board, i, 4);
		scoreboard_set_state(shared.board, i, SLOT_SERVING);
	}
	if (write(stage->said, "", 1) != 1)
		_exit(1);
	for (int signal; sigwait(&signals, &signal) == 0;) {
		if (!stage->script.silent)
			take_order(stage, shared.board, signal);
	}
}

static struct play
play_begin(struct script script)
{
	struct play play = {.stage = region_map(sizeof *play.stage), .dir = scratch_new()};
	int pipes[2];
	char word;
	CU_ASSERT_PTR_NOT_NULL_FATAL(play.stage);
	CU_ASSERT_EQUAL_FATAL(pipe2(pipes, O_CLOEXEC), 0);
	play.file = scratch_path(play.dir, "board");
	play.out = scratch_path(play.dir, "out");
	*play.stage = (struct stage){.script = script, .file = play.file, .said = pipes[1]};
	play.pid = child_start(supervise, play.stage);
	close(pipes[1]);
	CU_ASSERT_EQUAL_FATAL(read(pipes[0], &word, 1), 1);
	close(pipes[0]);
	return play;
}

/* Runs an order; what it prints goes to a file, which is looked at in play_said(). */
static int
play_order(struct play *play, int (*order)(struct target *target, int64_t timeout_ms),
	int64_t timeout_ms)
{
	struct target target;
	fflush(NULL);
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	int file = open(play->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(file, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	close(file);
	target_init(&target, NULL, play->file);
	int status = target_load(&target);
	if (status == EX_OK && order != order_stop)
		status = target_attach(&target, false);
	if (status == EX_OK)
		status = order(&target, timeout_ms);
	target_fini(&target);
	fflush(NULL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	return status;
}

static bool
play_said(const struct play *play, const char *words)
{
	size_t len;
	char *text = scratch_read(play->out, &len);
	bool said = text != NULL && strstr(text, words) != NULL;
	if (!said)
		printf("# instead of \"%s\": %s\n", words, text == NULL ? "" : text);
	free(text);
	return said;
}

static void
play_end(struct play *play)
{
	child_kill(play->pid);
	region_unmap(play->stage, sizeof *play->stage);
	scratch_free(play->dir);
	free(play->file);
	free(play->out);
}

static void
reloads(void)
{
	struct play play = play_begin((struct script){0});
	CU_ASSERT_EQUAL(play_order(&play, order_reload, LONG_MS), EX_OK);
	CU_ASSERT_EQUAL(play.stage->followed, 1);
	CU_ASSERT(play_said(&play, "settings generation 5 is in force in 3 workers"));
	play_end(&play);
}

static void
bad_reload(void)
{
	struct play play = play_begin((struct script){.errors = "a.conf:3: Wrokers: what?\nb\n"});
	CU_ASSERT_EQUAL(play_order(&play, order_reload, LONG_MS), ORDER_FAILED);
	CU_ASSERT(play_said(&play, "a.conf:3: Wrokers: what?\nb\n"));
	CU_ASSERT(play_said(&play, "the settings are as they were"));
	play_end(&play);
}

/* What another one has asked for fails; what is asked for here does not. */
static void
second_reload(void)
{
	struct play play = play_begin((struct script){.under_way = 7});
	CU_ASSERT_EQUAL(play_order(&play, order_reload, LONG_MS), EX_OK);
	CU_ASSERT_EQUAL(play.stage->followed, 1);
	play_end(&play);
}

static void
reopens(void)
{
	struct play play = play_begin((struct script){0});
	for (int i = 0; i < 2; i++) {
		play.stage->followed = 0;
		CU_ASSERT_EQUAL(play_order(&play, order_reopen, LONG_MS), EX_OK);
		CU_ASSERT_EQUAL(play.stage->followed, 1);
		CU_ASSERT(play_said(&play, "no worker of 3 writes to the old file any more"));
	}
	play_end(&play);
}

static void
bad_reopen(void)
{
	struct play play = play_begin((struct script){.log_error = 28});
	CU_ASSERT_EQUAL(play_order(&play, order_reopen, LONG_MS), ORDER_FAILED);
	CU_ASSERT(play_said(&play, "keeps the old log file: No space left on device"));
	play_end(&play);
}

static void
laggards(void)
{
	struct play play = play_begin((struct script){.lagging = true});
	CU_ASSERT_EQUAL(play_order(&play, order_reload, SHORT_MS), EX_TEMPFAIL);
	CU_ASSERT(play_said(&play, "has not followed yet"));
	CU_ASSERT(play_said(&play, "the reload has not ended in time"));
	play_end(&play);
}

static void
silence(void)
{
	static int (*const orders[])(struct target *, int64_t) = {
		order_reload, order_reopen, order_stop};
	struct play play = play_begin((struct script){.silent = true});
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(play_order(&play, orders[i], SHORT_MS), EX_TEMPFAIL);
	play_end(&play);
}

static void
death(void)
{
	static int (*const orders[])(struct target *, int64_t) = {order_reload, order_reopen};
	for (size_t i = 0; i < 2; i++) {
		struct play play = play_begin((struct script){.dies = true});
		CU_ASSERT_EQUAL(play_order(&play, orders[i], LONG_MS), EX_UNAVAILABLE);
		CU_ASSERT(play_said(&play, "the daemon ended meanwhile"));
		CU_ASSERT_EQUAL(play_order(&play, orders[i], LONG_MS), EX_UNAVAILABLE);
		CU_ASSERT(play_said(&play, "not running"));
		play_end(&play);
	}
}

static void
stops(void)
{
	struct play play = play_begin((struct script){0});
	CU_ASSERT_EQUAL(play_order(&play, order_stop, LONG_MS), EX_OK);
	CU_ASSERT_EQUAL(play.stage->followed, 1);
	CU_ASSERT(play_said(&play, "stopped"));
	CU_ASSERT_EQUAL(play_order(&play, order_stop, LONG_MS), EX_UNAVAILABLE);
	play_end(&play);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"reload waits until every worker has the settings", reloads},
		{"a reload that fails tells its errors", bad_reload},
		{"a reload that was under way is not taken for this one", second_reload},
		{"reopen waits until every worker is at the new file", reopens},
		{"a worker that keeps the old file is told", bad_reopen},
		{"a worker that does not follow is told", laggards},
		{"nothing is waited for without bound", silence},
		{"the daemon's death ends the waiting", death},
		{"stop waits for the end", stops},
		{NULL, NULL},
	};
	alarm(CHILD_SECONDS);
	return tap_main("order", cases);
}
