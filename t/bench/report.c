/* SPDX-License-Identifier: ISC */
/* The load generator's results, one "name value" a line. */
#include <inttypes.h>
#include <sys/resource.h>

#include "bench/loadgen.h"

static const struct point {
	const char *name;
	double percent;
} points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};

static void
print_histogram(const char *name, const struct histogram *histogram)
{
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
		printf("%s_us_%s %" PRId64 "\n", name, points[i].name,
			histogram_percentile(histogram, points[i].percent));
	printf("%s_us_max %" PRId64 "\n", name, histogram->max_us);
}

static void
print_speed(const struct plan *plan, const struct crew *sum, uint64_t answered)
{
	double seconds = (double)(sum->end_us - sum->begin_us) / 1e6;
	if (seconds <= 0)
		seconds = 1e-6;
	printf("clients %" PRIu64 "\nwindow %" PRIu64 "\nline_bytes %" PRIu64 "\n", plan->clients,
		plan->window, plan->line_bytes);
	printf("seconds %.3f\nlines %" PRIu64 "\nlines_per_second %.0f\n", seconds, answered,
		(double)answered / seconds);
	if (!plan->no_answers)
		print_histogram("answer", &sum->answer_times);
	if (plan->rate > 0)
		print_histogram("late", &sum->lateness);
}

static void
print_own_cost(void)
{
	struct rusage own;
	getrusage(RUSAGE_SELF, &own);
	printf("loadgen_cpu_seconds %.2f\n",
		(double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
			(double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6);
}

static void
print_cost(const struct plan *plan, const struct cost *cost, uint64_t answered)
{
	bool later = cost->after.memory_kib > cost->peak.memory_kib;
	const struct tree_usage *most = later ? &cost->after : &cost->peak;
	if (answered > 0)
		printf("server_cpu_seconds_per_million_lines %.3f\n",
			(double)(cost->after.cpu_us - cost->before.cpu_us) / (double)answered);
	printf("server_peak_memory_kib %" PRIu64 "\nserver_processes %zu\n", most->memory_kib,
		most->processes);
	if (plan->idle > 0)
		printf("idle_clients %" PRIu64 "\nserver_memory_kib_per_idle_client %.2f\n",
			plan->idle,
			((double)cost->idle.memory_kib - (double)cost->alone.memory_kib) /
				(double)plan->idle);
}

static void
print_answers(const struct plan *plan, const struct crew *sum, const struct history *histories,
	uint64_t answered)
{
	uint64_t numbered = 0;
	for (size_t i = 0; i < plan->clients; i++)
		numbered += histories[i].numbered;
	for (size_t fate = FATE_RECEIVED; fate < FATES; fate++) {
		if (sum->fates[fate] > 0 || fate == FATE_RECEIVED)
			printf("%s %" PRIu64 "\n", fate_name(fate), sum->fates[fate]);
	}
	printf("unanswered %" PRIu64 "\nreconnects %" PRIu64 "\nrefused %" PRIu64 "\n",
		numbered - answered, sum->reconnects, sum->refused);
}

void
report(const struct plan *plan, const struct crew *sum, const struct cost *cost,
	const struct history *histories)
{
	uint64_t answered = 0;
	for (size_t fate = FATE_RECEIVED; fate < FATES; fate++)
		answered += sum->fates[fate];
	print_speed(plan, sum, answered);
	print_own_cost();
	if (plan->pid > 0)
		print_cost(plan, cost, answered);
	print_answers(plan, sum, histories, answered);
}
