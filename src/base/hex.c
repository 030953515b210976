/* SPDX-License-Identifier: ISC */
/* What each byte stands for as a hexadecimal digit.  Whatever is or-ed with none is none. */
#include "base/hex.h"

#define NONE (-1)

const int8_t hex_digits[256] = {
	[0x00 ... '0' - 1] = NONE,
	['0'] = 0,
	['1'] = 1,
	['2'] = 2,
	['3'] = 3,
	['4'] = 4,
	['5'] = 5,
	['6'] = 6,
	['7'] = 7,
	['8'] = 8,
	['9'] = 9,
	['9' + 1 ... 'A' - 1] = NONE,
	['A'] = 10,
	['B'] = 11,
	['C'] = 12,
	['D'] = 13,
	['E'] = 14,
	['F'] = 15,
	['F' + 1 ... 'a' - 1] = NONE,
	['a'] = 10,
	['b'] = 11,
	['c'] = 12,
	['d'] = 13,
	['e'] = 14,
	['f'] = 15,
	['f' + 1 ... 0xff] = NONE,
};
