/* SPDX-License-Identifier: ISC */
/* A thread and its clients: whose turn it is, and when the time is up. */
#include <err.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/client.h"

enum { EVENTS = 64, TICK_US = 100 * 1000 };

static void
send_all(struct shift *shift)
{
	for (size_t i = 0; i < shift->crew->count; i++) {
		if (shift->clients[i].fd >= 0)
			client_send(shift, &shift->clients[i]);
	}
}

/* With a rate: lets those send whose lines have become due, until the time is up. */
static void
begin_slots(struct shift *shift)
{
	const struct plan *plan = shift->plan;
	const struct crew *crew = shift->crew;
	int64_t run_us = shift->now_us - crew->begin_us, most_us = (int64_t)plan->seconds * MILLION;
	if (plan->rate == 0 || !shift->sending)
		return;
	if (plan->seconds > 0 && run_us > most_us)
		run_us = most_us;
	uint64_t before = shift->slots;
	shift->slots = (uint64_t)((double)run_us / shift->slot_us) + 1;
	for (uint64_t i = before; i < shift->slots && i < before + crew->count; i++) {
		struct client *client = &shift->clients[i % crew->count];
		if (client->fd >= 0)
			client_send(shift, client);
	}
}

static void
check_times(struct shift *shift)
{
	const struct plan *plan = shift->plan;
	if (shift->now_us - shift->progress_us > (int64_t)plan->patience * MILLION) {
		violation("no answer for %" PRIu64 " s", plan->patience);
		shift->open = shift->unfinished = 0;
		return;
	}
	if (!shift->sending || plan->seconds == 0 ||
		shift->now_us - shift->crew->begin_us < (int64_t)plan->seconds * MILLION)
		return;
	shift->sending = false;
	send_all(shift);
}

/* Waits for events, not longer than to the next slot. */
static int
wait_for_events(struct shift *shift, struct epoll_event *events)
{
	int64_t wait_us = TICK_US;
	if (shift->plan->rate > 0 && shift->sending) {
		int64_t next_us = shift->crew->begin_us +
		                  (int64_t)((double)shift->slots * shift->slot_us) + 1;
		wait_us = next_us - now_us();
		if (wait_us < 0)
			wait_us = 0;
		if (wait_us > TICK_US)
			wait_us = TICK_US;
	}
	struct timespec wait = {.tv_nsec = wait_us * 1000};
	return epoll_pwait2(shift->epoll, events, EVENTS, &wait, NULL);
}

static void
turn(struct shift *shift)
{
	struct epoll_event events[EVENTS];
	int count = wait_for_events(shift, events);
	shift->now_us = now_us();
	begin_slots(shift);
	check_times(shift);
	for (int i = 0; i < count; i++) {
		struct client *client = events[i].data.ptr;
		if (client->fd >= 0 && events[i].events & ~(unsigned)EPOLLOUT)
			client_receive(shift, client);
		if (client->fd >= 0 && !client->finished)
			client_send(shift, client);
	}
}

/* Until all is answered. */
static void
serve(struct shift *shift)
{
	shift->now_us = shift->progress_us = shift->crew->begin_us = now_us();
	send_all(shift);
	while (shift->unfinished > 0)
		turn(shift);
	shift->crew->end_us = shift->progress_us;
}

/* Until the server has closed all connections. */
static void
part(struct shift *shift)
{
	shift->now_us = shift->progress_us = now_us();
	shift->sending = false;
	for (size_t i = 0; i < shift->crew->count && shift->open > 0; i++) {
		if (shift->clients[i].fd >= 0)
			client_part(shift, &shift->clients[i]);
	}
	while (shift->open > 0)
		turn(shift);
}

static void
shift_init(struct shift *shift, struct crew *crew)
{
	const struct plan *plan = crew->plan;
	*shift = (struct shift){
		.crew = crew, .plan = plan, .sending = true, .unfinished = crew->count};
	shift->epoll = epoll_create1(EPOLL_CLOEXEC);
	shift->clients = calloc(crew->count, sizeof *shift->clients);
	shift->room = malloc(READ_BYTES + ANSWER_MAX);
	if (shift->epoll < 0 || shift->clients == NULL || shift->room == NULL)
		err(EX_OSERR, "thread");
	if (plan->rate > 0) {
		shift->slot_us = 1e6 * (double)plan->clients / (double)plan->rate /
		                 (double)crew->count;
		prctl(PR_SET_TIMERSLACK, 1UL);
	}
}

void *
crew_run(void *argument)
{
	struct crew *crew = argument;
	struct shift shift;

	shift_init(&shift, crew);
	for (size_t i = 0; i < crew->count; i++)
		client_init(&shift, &shift.clients[i], i);
	pthread_barrier_wait(crew->stage); /* all are connected */
	pthread_barrier_wait(crew->stage); /* the server was looked at */
	serve(&shift);
	sem_post(crew->done);
	pthread_barrier_wait(crew->stage); /* it was looked at again */
	part(&shift);
	for (size_t i = 0; i < crew->count; i++)
		client_fini(&shift.clients[i]);
	free(shift.clients);
	free(shift.room);
	close(shift.epoll);
	return NULL;
}
