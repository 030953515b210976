/* SPDX-License-Identifier: ISC */
/*
 * CUnit cases reported as TAP, so that prove runs them beside the scripts.  A test program is a
 * list of cases:
 *
 *	int main(void)
 *	{
 *		static const struct tap_case cases[] = {{"blank lines are passed over", blank}, {NULL, NULL}};
 *		return tap_main("frame", cases);
 *	}
 *
 * Cases assert with CUnit's CU_ASSERT* macros; every failed assertion is shown with its place.
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <CUnit/CUnit.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

/* Runs the cases in order and returns the program's exit status. */
int tap_main(const char *module, const struct tap_case *cases);

/* Called in a case: it is reported as skipped, for the reason (a literal), unless it fails. */
void tap_skip(const char *reason);

#endif
