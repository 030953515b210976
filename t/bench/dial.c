/* SPDX-License-Identifier: ISC */
/* Connections: from which addresses they come, and those that only exist. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/loadgen.h"

/* The addresses to connect from are those behind it, 16 million of them. */
#define FIRST_ADDRESS UINT32_C(0x7f010000) /* 127.1.0.0 */

void
dial_init(struct plan *plan)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
	int error = getaddrinfo(plan->host, plan->port, &hints, &found);
	if (error != 0)
		errx(EX_NOHOST, "%s: %s", plan->host, gai_strerror(error));
	memcpy(&plan->server, found->ai_addr, found->ai_addrlen);
	plan->server_len = found->ai_addrlen;
	freeaddrinfo(found);
	if (plan->addresses > 0 && plan->server.ss_family != AF_INET)
		errx(EX_USAGE, "--addresses are those of IPv4, %s is not", plan->host);
}

void
dial_allow_descriptors(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		err(EX_OSERR, "descriptors");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		err(EX_OSERR, "descriptors");
}

/* The port is chosen when the socket connects: then ports are used up by address, not by all. */
static int
bind_next(const struct plan *plan, int fd)
{
	static atomic_uint_fast32_t dialled;
	struct sockaddr_in from = {.sin_family = AF_INET};
	uint32_t number = (uint32_t)(atomic_fetch_add(&dialled, 1) % plan->addresses);
	int on = 1;

	from.sin_addr.s_addr = htonl(FIRST_ADDRESS + 1 + number);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(fd, (struct sockaddr *)&from, sizeof from);
}

int
dial(const struct plan *plan)
{
	int fd = socket(plan->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		err(EX_OSERR, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if ((plan->addresses == 0 || bind_next(plan, fd) == 0) &&
		connect(fd, (const struct sockaddr *)&plan->server, plan->server_len) == 0)
		return fd;
	int reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

int *
idle_open(const struct plan *plan)
{
	int *idle = calloc(plan->idle + 1, sizeof *idle);
	if (idle == NULL)
		err(EX_OSERR, "idle clients");
	for (size_t i = 0; i < plan->idle; i++) {
		idle[i] = dial(plan);
		if (idle[i] < 0)
			err(EX_UNAVAILABLE, "idle client %zu", i);
	}
	return idle;
}

void
idle_close(const struct plan *plan, int *idle)
{
	size_t disturbed = 0;
	for (size_t i = 0; i < plan->idle; i++) {
		char byte;
		disturbed += recv(idle[i], &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN;
		close(idle[i]);
	}
	if (disturbed > 0)
		violation("%zu idle clients were answered or closed", disturbed);
	free(idle);
}
