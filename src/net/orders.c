/* SPDX-License-Identifier: ISC */
/* Reads orders, and the descriptors that come with them. */
#include "net/orders.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "core/order.h"

static int
passed_descriptor(struct msghdr *message)
{
	int fd;
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS ||
		header->cmsg_len != CMSG_LEN(sizeof fd))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

int
orders_next(int channel, int *fd)
{
	char order;
	char control[CMSG_SPACE(sizeof *fd)];
	struct iovec iov = {&order, 1};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	*fd = -1;
	ssize_t n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return ORDERS_NONE;
	if (n <= 0)
		return ORDER_DRAIN;
	*fd = passed_descriptor(&message);
	return order;
}
