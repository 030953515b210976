/* SPDX-License-Identifier: ISC */
/*
 * A load generator that checks what it measures: numbered records from many pipelining clients,
 * every answer read, then the log file held against the answers.  Prints one "name value" a line;
 * exits 0 only when every promise was kept, 1 when one was broken.
 *
 *	loadgen --port 43127 --clients 8 --window 512 --seconds 5 --pid 4711 --verify logs/server.log
 *
 * A client sends when its window allows it.  With --rate lines are due at their times, whatever the
 * server does, and answers are timed from there: a server that stalls is charged for all
 * the lines that had to wait.  With --no-answers the server is one that gives none: it is done when
 * its file has all records.
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sysexits.h>

#include "bench/loadgen.h"

enum { VIOLATIONS_SHOWN = 20, SAMPLE_MS = 200 };

static atomic_uint_fast64_t violation_count;

void
violation(const char *format, ...)
{
	if (atomic_fetch_add(&violation_count, 1) >= VIOLATIONS_SHOWN)
		return;
	va_list args;
	va_start(args, format);
	vwarnx(format, args);
	va_end(args);
}

uint64_t
violations(void)
{
	return atomic_load(&violation_count);
}

int64_t
now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What all threads share. */
struct meeting {
	pthread_barrier_t stage;
	sem_t done;
};

static void
start_crews(const struct plan *plan, struct crew *crews, struct history *histories,
	struct meeting *meeting)
{
	pthread_barrier_init(&meeting->stage, NULL, (unsigned)plan->threads + 1);
	sem_init(&meeting->done, 0, 0);
	for (size_t i = 0; i < plan->threads; i++) {
		size_t first = plan->clients * i / plan->threads;
		crews[i] = (struct crew){
			.plan = plan,
			.stage = &meeting->stage,
			.done = &meeting->done,
			.first = first,
			.count = plan->clients * (i + 1) / plan->threads - first,
			.histories = histories,
		};
		errno = pthread_create(&crews[i].thread, NULL, crew_run, &crews[i]);
		if (errno != 0)
			err(EX_OSERR, "thread");
	}
	pthread_barrier_wait(&meeting->stage);
}

/* Waits until one more thread is done, looking at the server now and then. */
static void
await_crew(const struct plan *plan, struct meeting *meeting, struct tree_usage *peak)
{
	for (;;) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SAMPLE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (sem_timedwait(&meeting->done, &until) == 0)
			return;
		if (plan->pid == 0)
			continue;
		struct tree_usage now = tree_read((pid_t)plan->pid);
		if (now.memory_kib > peak->memory_kib)
			*peak = now;
	}
}

/* Adds up what the threads found. */
static void
sum_crews(struct crew *sum, const struct crew *crews, size_t count)
{
	sum->begin_us = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		for (size_t fate = 0; fate < FATES; fate++)
			sum->fates[fate] += crews[i].fates[fate];
		sum->reconnects += crews[i].reconnects;
		sum->refused += crews[i].refused;
		histogram_merge(&sum->answer_times, &crews[i].answer_times);
		histogram_merge(&sum->lateness, &crews[i].lateness);
		if (crews[i].begin_us < sum->begin_us)
			sum->begin_us = crews[i].begin_us;
		if (crews[i].end_us > sum->end_us)
			sum->end_us = crews[i].end_us;
	}
}

/* Runs all threads to their end and adds up what they found; looks at the server before and after. */
static void
run_crews(const struct plan *plan, struct history *histories, struct crew *sum, struct cost *cost,
	off_t from)
{
	struct meeting meeting;
	struct crew *crews = calloc(plan->threads, sizeof *crews);

	if (crews == NULL)
		err(EX_OSERR, "threads");
	start_crews(plan, crews, histories, &meeting);
	if (plan->pid > 0)
		cost->before = tree_at_rest((pid_t)plan->pid);
	pthread_barrier_wait(&meeting.stage);
	for (size_t i = 0; i < plan->threads; i++)
		await_crew(plan, &meeting, &cost->peak);
	sum_crews(sum, crews, plan->threads);
	if (plan->no_answers)
		sum->end_us = verify_await(plan, from, sum->fates[FATE_RECEIVED]);
	if (plan->pid > 0)
		cost->after = tree_read((pid_t)plan->pid);
	pthread_barrier_wait(&meeting.stage);
	for (size_t i = 0; i < plan->threads; i++)
		pthread_join(crews[i].thread, NULL);
	pthread_barrier_destroy(&meeting.stage);
	sem_destroy(&meeting.done);
	free(crews);
}

/* The whole run: what the server took, what the threads found. */
static struct cost
run(const struct plan *plan, struct history *histories, struct crew *sum, off_t from)
{
	struct cost cost = {0};
	int *idle = NULL;

	if (plan->idle > 0) {
		cost.alone = tree_settled((pid_t)plan->pid);
		idle = idle_open(plan);
		cost.idle = tree_settled((pid_t)plan->pid);
	}
	run_crews(plan, histories, sum, &cost, from);
	if (idle != NULL)
		idle_close(plan, idle);
	return cost;
}

int
main(int argc, char **argv)
{
	static struct crew sum;
	struct plan plan;

	plan_read(&plan, argc, argv);
	dial_allow_descriptors();
	struct history *histories = calloc(plan.clients, sizeof *histories);
	if (histories == NULL)
		err(EX_OSERR, "clients");
	off_t from = plan.log != NULL ? verify_start(plan.log) : 0;
	struct cost cost = run(&plan, histories, &sum, from);

	report(&plan, &sum, &cost, histories);
	if (plan.log != NULL)
		printf("found_in_file %ju\n", (uintmax_t)verify_log(&plan, histories, from));
	printf("violations %ju\n", (uintmax_t)violations());

	for (size_t i = 0; i < plan.clients; i++)
		free(histories[i].fates);
	free(histories);
	shape_fini(&plan.shape);
	return violations() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
