/* SPDX-License-Identifier: ISC */
/*
 * Functions that are easy to get wrong are errors to name here.  The build
 * includes this file ahead of everything (-include), so it includes the system
 * headers that declare them first.  The idea is git's banned.h.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With fortification under clang these are macros, and a macro cannot be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol gmtime     \
	localtime asctime ctime

#endif
