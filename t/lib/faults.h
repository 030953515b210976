/* SPDX-License-Identifier: ISC */
/*
 * Makes system calls of the store fail on purpose.  A program that links this with
 * -Wl,--wrap=writev,... (STORE_FAULTS in check.mk) has its calls counted; the nth one from
 * faults_set() on, and `span` of them, go wrong as told.  All threads of one process share the plan.
 */
#ifndef T_LIB_FAULTS_H
#define T_LIB_FAULTS_H

enum fault {
	FAULT_NONE,
	FAULT_ERROR, /* fails with the error, nothing was done (an unlock is done all the same) */
	FAULT_SHORT, /* a writev writes the half and says so; other calls are not touched */
	FAULT_HALF_ERROR, /* a writev writes the half and fails; other calls fail */
	FAULT_DIE_BEFORE, /* SIGKILL to ourselves before the call, */
	FAULT_DIE_HALF,   /* after half of it (a writev), */
	FAULT_DIE_AFTER,  /* or after it */
};

enum fault_call {
	FAULT_WRITEV,
	FAULT_FTRUNCATE,
	FAULT_FDATASYNC,
	FAULT_FLOCK,
	FAULT_FSTAT,
	FAULT_PREAD,
	FAULT_OPENAT,
	FAULT_FSTATAT,
	FAULT_RENAMEAT,
	FAULT_UNLINKAT,
	FAULT_CALLS
};

enum { FAULT_FOREVER = 1 << 30 };

/* Starts counting at 0 again. */
void faults_set(enum fault fault, int error, int nth, int span);
void faults_clear(void);

/* The calls since then: all of them; of one kind. */
int faults_seen(void);
int faults_calls(enum fault_call call);

/* Called before every fdatasync, in its thread; NULL for none.  Set it while no thread runs. */
void faults_on_sync(void (*hook)(void));

/* Threads linger behind some mutexes that they give back, so that others overtake them there. */
void faults_linger(int us);

#endif
