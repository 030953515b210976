/* SPDX-License-Identifier: ISC */
/* The hash against the test vectors of the SipHash paper's reference. */
#include "base/siphash.h"

#include "unit/tap.h"

static void
vectors(void)
{
	static const uint64_t expected[] = {
		UINT64_C(0x726fdb47dd0e0e31),
		UINT64_C(0x74f839c593dc67fd),
		UINT64_C(0x0d6c8009d9a94f5a),
		UINT64_C(0x85676696d7fb7e2d),
		UINT64_C(0xcf2794e0277187b7),
		UINT64_C(0x18765564cd99a68d),
		UINT64_C(0xcbc9466e58fee3ce),
		UINT64_C(0xab0200f58b01d137),
		UINT64_C(0x93f5f5799a932462),
	};
	struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char data[sizeof expected / sizeof expected[0]];
	for (size_t len = 0; len < sizeof data; len++) {
		data[len] = (unsigned char)len;
		CU_ASSERT_EQUAL(siphash(&key, data, len), expected[len]);
	}
}

static void
long_vector(void)
{
	struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char data[15];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)i;
	CU_ASSERT_EQUAL(siphash(&key, data, sizeof data), UINT64_C(0xa129ca6149be45e5));
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"inputs of 0 to 8 bytes", vectors},
		{"the paper's 15 bytes", long_vector},
		{NULL, NULL},
	};
	return tap_main("siphash", cases);
}
