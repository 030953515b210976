/* SPDX-License-Identifier: ISC */
/* A client that has been accepted and is not served yet. */
#ifndef SERVE_ARRIVAL_H
#define SERVE_ARRIVAL_H

#include "core/address.h"
#include "core/listen.h"

struct arrival {
	int fd;                 /* blocking */
	struct address address; /* as the socket tells it */
	uint32_t options;       /* of the Listen line that it came through: enum listen_option */
};

#endif
