/* SPDX-License-Identifier: ISC */
/* Hexadecimal digits, no locale.  Pure, thread-safe. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* 0 to 15, or -1 for what is no digit. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The value of four bytes that are known to be digits.  Letters have 0x40 set and begin with 1. */
static inline unsigned
hex_known_unit(const char *digits)
{
	unsigned unit = 0;
	for (int i = 0; i < 4; i++) {
		unsigned digit = (unsigned char)digits[i];
		unit = unit << 4 | ((digit & 15) + 9 * (digit >> 6));
	}
	return unit;
}

/* The value of four digits, or -1 where one of them is none. */
static inline int
hex_unit(const char *digits)
{
	int unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(digits[i]);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

#endif
