/* SPDX-License-Identifier: ISC */
/* Hexadecimal digits, no locale.  Pure, thread-safe. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdint.h>

/* What a byte stands for as a digit: 0 to 15, or less than 0 when it is none. */
extern const int8_t hex_digits[256];

/* The value of four digits, or -1 where one of them is none. */
static inline int
hex_unit(const char *digits)
{
	const unsigned char *at = (const unsigned char *)digits;
	int high = hex_digits[at[0]] * 16 | hex_digits[at[1]];
	int low = hex_digits[at[2]] * 16 | hex_digits[at[3]];
	int unit = high * 256 | low;
	return unit >= 0 ? unit : -1;
}

#endif
