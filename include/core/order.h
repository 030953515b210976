/* SPDX-License-Identifier: ISC */
/* The words between supervisor and worker, one byte each; what both sides have to agree on. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

/* To a worker. */
enum order {
	ORDER_DRAIN = 'd',    /* decide, store and answer what has arrived, and exit */
	ORDER_RETIRE = 'q',   /* accept no more, serve the clients to their end, and exit */
	ORDER_SETTINGS = 's', /* other settings are published; a descriptor is that of ErrorLog */
	ORDER_REOPEN = 'o',   /* open the log anew; a descriptor is that of ErrorLog */
};

/*
 * From a worker: a sysexits status, EX_OK when it serves, another when it serves but has found something
 * that makes starting the daemon pointless; or this.
 */
enum {
	WORKER_WORN_OUT = 'r'
}; /* it has served its MaxConnectionsPerWorker and would like to retire */

#endif
