/* SPDX-License-Identifier: ISC */
/* A child's end of the channel to its supervisor. */
#ifndef NET_ORDERS_H
#define NET_ORDERS_H

enum { ORDERS_NONE = 0 };

/*
 * Reads the next order (core/order.h) from a non-blocking channel; end-of-file is ORDER_DRAIN, every time.
 * ORDERS_NONE when there is none.  *fd becomes a descriptor that came along, the caller's to close, or -1.
 */
int orders_next(int channel, int *fd);

#endif
