/* SPDX-License-Identifier: ISC */
/* CUnit runs the cases; this file prints their outcome as TAP. */
#include "unit/tap.h"

#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>

static int number;
static const char *skipped;

static void
print_outcome(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	(void)suite;
	printf("%s %d - %s", failures == NULL ? "ok" : "not ok", ++number, test->pName);
	if (skipped != NULL && failures == NULL)
		printf(" # SKIP %s", skipped);
	skipped = NULL;
	putchar('\n');
	for (CU_pFailureRecord failure = failures; failure != NULL; failure = failure->pNext)
		printf("# %s:%u: %s\n", failure->strFileName, failure->uiLineNumber,
			failure->strCondition);
	fflush(stdout);
}

void
tap_skip(const char *reason)
{
	skipped = reason;
}

int
tap_main(const char *module, const struct tap_case *cases)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	CU_pSuite suite = CU_add_suite(module, NULL, NULL);
	int count = 0;
	for (; cases[count].name != NULL; count++)
		CU_add_test(suite, cases[count].name, cases[count].run);
	printf("1..%d\n", count);
	CU_set_test_complete_handler(print_outcome);
	CU_run_all_tests();
	int failed = CU_get_number_of_failures() > 0;
	CU_cleanup_registry();
	return failed;
}
